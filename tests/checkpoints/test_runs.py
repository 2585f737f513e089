"""Which checkpoint is meant."""

import os
from pathlib import Path

import pytest

from mnist_lightning.checkpoints.runs import find_checkpoint
from mnist_lightning.errors import CheckpointError

ADDRESSES = ["http://127.0.0.1:9/x.ckpt", "s3://bucket/x.ckpt", "file:///etc/passwd", "hf://a/b"]


def make(logs: Path, name: str, age: int) -> Path:
    path = logs / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (1e9 - age, 1e9 - age))
    return path


def test_takes_the_newest_run_and_in_it_the_best(tmp_path: Path) -> None:
    make(tmp_path, "mnist/version_3/checkpoints/best.ckpt", age=50)
    last = make(tmp_path, "synthetic/version_0/checkpoints/last.ckpt", age=10)
    assert find_checkpoint(None, str(tmp_path)) == last
    best = make(tmp_path, "synthetic/version_0/checkpoints/best.ckpt", age=20)
    assert find_checkpoint(None, str(tmp_path)) == best
    assert find_checkpoint("last", str(tmp_path)) == last


def test_a_draft_of_a_save_is_no_checkpoint(tmp_path: Path) -> None:
    last = make(tmp_path, "mnist/version_0/checkpoints/last.ckpt", age=50)
    make(tmp_path, "mnist/version_1/checkpoints/.draft-12ab.ckpt", age=0)
    assert find_checkpoint(None, str(tmp_path)) == last


@pytest.mark.parametrize("wanted", [None, "last", "best", "nowhere.ckpt", *ADDRESSES])
def test_none_to_be_found_is_one_line(tmp_path: Path, wanted: str | None) -> None:
    with pytest.raises(CheckpointError, match="ckpt") as caught:
        find_checkpoint(wanted, str(tmp_path / "logs"))
    assert "\n" not in str(caught.value)
