"""The lines that a run prints, for data of ours and of others."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning import LightningDataModule

from mnist_lightning import MNISTDataModule
from mnist_lightning.report.scores import compute_scores
from mnist_lightning.report.summary import (
    count_lines,
    metric_lines,
    opening_lines,
    score_lines,
)


class Theirs(LightningDataModule):
    """Somebody else's data module."""


class Altered(MNISTDataModule):
    """One of ours, with data that we do not know."""


def trainer(data: LightningDataModule | None) -> Any:
    if isinstance(data, MNISTDataModule):
        data.train, data.val = [0] * 60_000, [0] * 10_000  # type: ignore[assignment]
    return SimpleNamespace(datamodule=data, enable_validation=True)


@pytest.mark.parametrize(
    ("data", "opening", "beside"),
    [
        (MNISTDataModule(), "60,000 MNIST images train", True),
        (MNISTDataModule(dataset="qmnist"), "60,000 QMNIST images train", False),
        (MNISTDataModule(dataset="emnist", split="mnist"), "60,000 EMNIST mnist images", False),
        (MNISTDataModule(val_size=5000), "60,000 MNIST images train.5,000 held out", True),
        (Altered(), "60,000 Altered images train", False),
        (Theirs(), "Theirs gives the images.", False),
        (None, "", False),
    ],
)
def test_data_names_itself_and_the_original_is_mentioned_of_mnist_alone(
    data: LightningDataModule | None, opening: str, beside: bool
) -> None:
    lines = opening_lines(trainer(data))
    assert "".join(lines).startswith(opening)
    assert bool(lines) == bool(opening)
    assert all(len(line) <= 79 for line in lines)
    labels = torch.arange(10_000) % 10
    scores = compute_scores(torch.eye(10)[labels], labels)
    counts = "\n".join(count_lines(scores, "test", trainer(data)))
    assert ("the Keras original:   9,885" in counts) == beside


def test_where_nothing_is_counted_what_was_logged_is_told() -> None:
    logged: Any = SimpleNamespace(callback_metrics={"val/mine": torch.tensor(12.34567)})
    assert metric_lines(logged) == ["val/mine 12.3457"]


def test_the_table_has_the_names_of_classes() -> None:
    logits, names = torch.eye(3)[[0, 1, 2, 2]], ("Bag", "Ankle boot", "Dress")
    scores = compute_scores(logits, torch.tensor([0, 1, 2, 1]), names)
    lines = score_lines(scores)
    assert [line[:10] for line in lines[2:6]] == [
        "     class",
        "       Bag",
        "Ankle boot",
        "     Dress",
    ]
    assert lines[-1] == "  true Ankle boot, predicted Dress: 1"
    digits = score_lines(compute_scores(logits, torch.tensor([0, 1, 2, 1]), ("0", "1")))
    assert digits[2:4] == [
        "digit  precision  recall      F1  images",
        "    0     1.0000  1.0000  1.0000       1",
    ]
