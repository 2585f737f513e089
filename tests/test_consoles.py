"""Consoles that cannot show every name."""

import io
import signal
import sys
from pathlib import Path

import pytest

from mnist_lightning import __main__
from mnist_lightning.cli import program


def test_a_name_that_the_encoding_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console of a western Windows, in a process of the program's own."""
    console = io.TextIOWrapper(written := io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(program, "run", lambda args: print(f"Checkpoint: {Path('é七.ckpt')}"))
    before = signal.getsignal(signal.SIGINT)
    __main__.main()
    console.flush()
    assert written.getvalue().decode("cp1252").strip() == r"Checkpoint: é\u4e03.ckpt"
    assert signal.getsignal(signal.SIGINT) == before
