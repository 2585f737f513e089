"""Mirrors that do what they should not."""

import os
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from mirrors import serving

from mnist_lightning.data import download
from mnist_lightning.data.download import transfer
from mnist_lightning.errors import UnreachableError

GOOD = b"0123456789" * 100_000
SIZE = len(GOOD)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.3)


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    """A server on loopback."""
    import_module("requests")  # else pooch does it, in the time of the first download
    with serving({"file": GOOD}) as server:
        yield server.url


@pytest.mark.parametrize("kind", ["good", "encoded", "redirect_with_a_body"])
def test_brings_the_bytes_as_they_are(mirror: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(transfer(f"{mirror}{kind}/file", SIZE))
    assert transfer((tmp_path / "file").as_uri(), SIZE) == GOOD


STATUSES = ("403", "404", "429", "500", "503")
BODIES = ("endless", "drip", "slow_end", "cut_short", "stall_before", "stall_after")
REDIRECTS = ("loop", "to_file", "to_ftp")
HEADERS = ("drip_headers", "endless_headers", "garbage_headers")


@pytest.mark.parametrize("kind", [*STATUSES, *BODIES, *REDIRECTS, *HEADERS])
def test_gives_up_in_time(mirror: str, kind: str) -> None:
    started = time.monotonic()
    with pytest.raises(UnreachableError) as caught:
        transfer(f"{mirror}{kind}/file".replace("//", "//bob:secret@"), SIZE)
    assert time.monotonic() - started < 1.5
    assert "secret" not in str(caught.value)


def test_an_endless_file_is_broken_off() -> None:
    with pytest.raises(UnreachableError, match="more than 1,000,000 bytes"):
        transfer("file:///dev/zero", SIZE)


def test_a_pipe_that_nobody_fills_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreachableError, match="too slow"):
        transfer((tmp_path / "pipe").as_uri(), SIZE)
