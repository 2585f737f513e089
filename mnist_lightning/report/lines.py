"""The lines that a run, a validation and a test print."""

from mnist_lightning.data.datamodule import MNISTDataModule
from mnist_lightning.report.scores import Scores, wilson_interval

ORIGINAL_RIGHT, ORIGINAL_WRONG = 9_885, 115  # README of the Keras project
HELD_OUT, TEST = "held-out images", "test images"
WARNING = "SYNTHETIC DIGITS: generated images, not MNIST; figures say nothing of MNIST."

Data = MNISTDataModule | None  # None if the trainer's data module is not ours


def source_lines(data: Data) -> list[str]:
    """Warn where the images are not MNIST."""
    if data is None or data.source != "synthetic":
        return []
    own = "The network was trained on SYNTHETIC DIGITS: expect more mistakes."
    return [own if data.own else WARNING]


def opening_lines(data: Data) -> list[str]:
    """Say what the run trains on, and what validates it."""
    if data is None:
        return []
    validates = f"; as in the original, the {len(data.val):,} test images validate each epoch."
    if data.val_size:
        validates = f", {data.val_size:,} held out validate; the test set is untouched."
    name = "MNIST" if data.source == "mnist" else "synthetic"
    return [*source_lines(data), f"{len(data.train):,} {name} images train{validates}"]


def images_name(stage: str, data: Data) -> str:
    """Name the images that were scored in a stage, ``val`` or ``test``."""
    if data is None:
        return f"{stage} images"
    return HELD_OUT if stage == "val" and data.val_size else TEST


def count_lines(scores: Scores, stage: str, data: Data) -> list[str]:
    """Count the images classified correctly, beside the original where it compares."""
    name, original = images_name(stage, data), ORIGINAL_RIGHT + ORIGINAL_WRONG
    lines = _count(f"{name}:", scores.right, scores.count)
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
        values = (each.precision, each.recall, each.f1)
        shares = ["     -" if value is None else f"{value:.4f}" for value in values]
        lines.append(
            f"{each.digit:>5}  {shares[0]:>9}  {shares[1]}  {shares[2]}  {each.support:>6,}"
        )
    lines += ["", "most frequent confusions:"] if scores.confusions else [""]
    return lines + [f"  {c.label} taken for {c.digit}: {c.count:,}" for c in scores.confusions]


def closing_lines(folder: str, data: Data) -> list[str]:
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
