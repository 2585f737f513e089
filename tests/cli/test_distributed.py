"""Two processes on one machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import NO_FIGURES, TINY

from mnist_lightning.__main__ import main

TWO = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]


def test_every_image_is_scored_once(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = [sys.executable, "-m", "mnist_lightning", "fit", *TINY, *TWO]
    fit += ["--data.synthetic_size", "[96, 75]"]
    ended = subprocess.run(fit, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert [path.name for path in Path("logs/synthetic").iterdir()] == ["version_0"]
    summary = json.loads(Path("logs/synthetic/version_0/summary.json").read_text())
    assert summary["right"] + summary["wrong"] == 75
    assert [ended.stdout.count(each) for each in ("2/2", "Time:", "epoch ")] == [1, 1, 1]

    main(["test", *NO_FIGURES])
    assert f"{summary['right']} classified correctly" in capsys.readouterr().out
