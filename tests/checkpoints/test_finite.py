"""Training that goes wrong stops before anything good is lost."""

from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TINY, refused

from mnist_lightning import MNISTClassifier
from mnist_lightning.checkpoints.archive import read_archive


def test_a_loss_that_is_not_finite_stops_in_its_step(
    workdir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = MNISTClassifier.training_step

    def breaks(self: MNISTClassifier, batch: Any, batch_idx: int) -> torch.Tensor:
        wrong = self.current_epoch == 1 and batch_idx == 1
        return whole(self, batch, batch_idx) * (float("nan") if wrong else 1)

    monkeypatch.setattr(MNISTClassifier, "training_step", breaks)
    assert "the loss is nan in epoch 2, step 5" in refused(["fit", *TINY], capsys)
    (path,) = workdir.glob("logs/*/*/checkpoints/last.ckpt")
    assert read_archive(path)["global_step"] == 3, "the first epoch's"


def test_weights_that_are_not_finite_replace_nothing(
    workdir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(self: MNISTClassifier) -> None:
        if self.current_epoch == 1:
            torch.nn.init.constant_(self.net.head.bias, float("inf"))

    monkeypatch.setattr(MNISTClassifier, "on_train_epoch_end", breaks)
    error = refused(["fit", *TINY], capsys)
    assert "net.head.bias is no longer finite in epoch 2, step 6" in error
    (path,) = workdir.glob("logs/*/*/checkpoints/last.ckpt")
    assert read_archive(path)["global_step"] == 6, "saved before, finite"
