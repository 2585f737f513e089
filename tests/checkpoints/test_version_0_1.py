"""Checkpoints and config.yaml files of version 0.1, made by its last commit."""

import shutil
from pathlib import Path

import pytest
import torch
from conftest import NO_FIGURES, refused
from runs import outcome

from mnist_lightning.__main__ import main

FILES = Path(__file__).parents[1] / "data" / "v0.1"  # cut off in the second epoch, before step 9
CONFIG = ["--config", str(FILES / "config.yaml")]


def test_a_run_of_0_1_goes_on_as_if_made_today(workdir: Path) -> None:
    """But for rounding: sums are taken in another order, as with another number of threads."""
    main(["fit", *CONFIG])
    main(["fit", *CONFIG, "--ckpt_path", str(FILES / "last.ckpt")])
    one, other = (outcome(Path("logs/synthetic", f"version_{number}")) for number in (0, 1))
    for row, again in zip(one["rows"], other["rows"], strict=True):
        numbers = {name: float(row[name]) for name in row if name != "seconds"}
        assert {name: float(again[name]) for name in numbers} == pytest.approx(numbers, rel=1e-6)
    # a tenth of Adam's step, which divides by what is nearly nothing where a gradient is
    torch.testing.assert_close(one["state_dict"], other["state_dict"], rtol=0, atol=1e-4)


def test_a_checkpoint_of_0_1_is_scored(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(FILES / "last.ckpt", workdir)
    main(["test", "--ckpt_path", "last.ckpt", *NO_FIGURES])
    assert "classified correctly" in capsys.readouterr().out


def test_other_settings_are_refused(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    more = ["--ckpt_path", str(FILES / "last.ckpt"), "--data.batch_size", "21"]
    assert "made with 20" in refused(["fit", *CONFIG, *more], capsys)
