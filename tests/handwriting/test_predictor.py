"""Predictions in Python."""

from pathlib import Path

import numpy as np
import pytest
from conftest import mnist_digits

from mnist_lightning import predict_images
from mnist_lightning.errors import CheckpointError

EACH = 15


def test_a_checkpoint_that_is_missing() -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        predict_images(["a.png"], "missing.ckpt")


def test_pictures_of_every_kind_are_read(
    reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    from pictures import KINDS, write_pictures

    images, labels = mnist_digits(EACH * len(KINDS))
    paths = [
        path
        for i, kind in enumerate(KINDS)
        for path in write_pictures(images[i * EACH : (i + 1) * EACH], kind, tmp_path, seed=i)
    ]
    found = [each.digit for each in predict_images(paths, reader)]
    assert np.mean(np.array(found) == labels) >= 0.95
