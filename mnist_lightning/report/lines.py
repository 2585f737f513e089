"""The lines that a run, a validation and a test print."""

from typing import Any

from mnist_lightning.data.datamodule import MNISTDataModule
from mnist_lightning.report.scores import Scores, wilson_interval

ORIGINAL_RIGHT, ORIGINAL_WRONG = 9_885, 115  # README of the Keras project
HELD_OUT, TEST = "held-out images", "test images"
WARNING = "SYNTHETIC DIGITS: generated images, not MNIST; figures say nothing of MNIST."


def source_lines(data: MNISTDataModule | None) -> list[str]:
    """Warn where the images are not MNIST."""
    if data is None or data.source != "synthetic":
        return []
    return (
        ["The network was trained on SYNTHETIC DIGITS: expect more mistakes."]
        if data.own
        else [WARNING]
    )


def opening_lines(data: MNISTDataModule | None) -> list[str]:
    """Say what the run trains on, and what validates it."""
    if data is None:
        return []
    name = "MNIST" if data.source == "mnist" else "synthetic"
    if data.val_size:
        validates = f", {data.val_size:,} held out validate; the test set is untouched."
    else:
        validates = (
            f"; as in the original, the {_size(data.val):,} test images validate each epoch."
        )
    return [*source_lines(data), f"{_size(data.train):,} {name} images train{validates}"]


def images_name(stage: str, data: MNISTDataModule | None) -> str:
    """Name the images that were scored.

    Args:
        stage: ``val`` or ``test``.
        data: The data module, if it is ours.
    """
    if data is None:
        return f"{stage} images"
    return HELD_OUT if stage == "val" and data.val_size else TEST


def count_lines(scores: Scores, stage: str, data: MNISTDataModule | None) -> list[str]:
    """Count the images classified correctly, beside the original where it compares.

    Args:
        scores: Of the whole set.
        stage: ``val`` or ``test``.
        data: The data module, if it is ours.
    """
    name = images_name(stage, data)
    lines = _count(f"{name}:", scores.right, scores.count)
    original = ORIGINAL_RIGHT + ORIGINAL_WRONG
    if data and data.source == "mnist" and name == TEST and scores.count == original:
        lines += _count("the Keras original:", ORIGINAL_RIGHT, original)
    if name == HELD_OUT:
        lines.append("The test set was not looked at; `mnist-lightning test` scores it.")
    return lines


def score_lines(scores: Scores) -> list[str]:
    """Tabulate the scores of each class, in lines of at most 80 characters."""
    lines = [
        f"loss {scores.loss:.4f}, expected calibration error {scores.calibration_error:.4f}",
        "",
        "digit  precision  recall      F1  images",
    ]
    for each in scores.digits:
        precision, recall, f1 = map(_share, (each.precision, each.recall, each.f1))
        lines.append(f"{each.digit:>5}  {precision:>9}  {recall}  {f1}  {each.support:>6,}")
    lines += ["", "most frequent confusions:"] if scores.confusions else [""]
    return lines + [f"  {c.label} taken for {c.digit}: {c.count:,}" for c in scores.confusions]


def closing_lines(folder: str, data: MNISTDataModule | None) -> list[str]:
    """Say where the run's files are and how to look at its curves."""
    lines = [f"Run folder: {folder}", f"Curves: tensorboard --logdir {folder}"]
    if data is not None and data.source == "synthetic":
        lines.append("This run used SYNTHETIC DIGITS: it is not an MNIST result.")
    return lines


def _count(name: str, right: int, total: int) -> list[str]:
    low, high = wilson_interval(right, total)
    return [
        f"{name:<20} {right:>6,} classified correctly, {total - right:>5,} classified incorrectly",
        f"{'':<20} {right / total:.2%}, 95 % interval {low:.2%} to {high:.2%}",
    ]


def _share(value: float | None) -> str:
    return "     -" if value is None else f"{value:.4f}"


def _size(split: Any) -> int:
    return len(split[1]) if isinstance(split, tuple) else len(split)
