"""The score of predictions for pictures whose labels are known."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mnist_lightning.data.pictures.picture_dataset import NO_DIGIT
from mnist_lightning.models.interval import wilson_interval

if TYPE_CHECKING:
    from mnist_lightning.handwriting.prediction import Prediction


def is_read(prediction: "Prediction") -> bool:
    """Whether the file was a picture that could be read, with a digit or without."""
    return prediction.digit is not None or prediction.remark == NO_DIGIT


def is_right(prediction: "Prediction", label: str) -> bool:
    """Whether the prediction is the label, the name of a class or a number."""
    return prediction.number == label


def find_misses(predictions: "Sequence[Prediction]", labels: Sequence[str]) -> list[int]:
    """Indices of the pictures that were read and missed, the most certain first."""
    pairs = enumerate(zip(predictions, labels, strict=True))
    missed = [i for i, (each, true) in pairs if true and is_read(each) and not is_right(each, true)]
    return sorted(missed, key=lambda i: -(predictions[i].probability or 0))


def score_lines(predictions: "Sequence[Prediction]", labels: Sequence[str], noun: str) -> list[str]:
    """Count what is right, of all and of each class; ``noun`` is what a class is called.

    "No digit" is a miss; files that are no picture are not counted, but said.
    """
    pairs = [pair for pair in zip(predictions, labels, strict=True) if pair[1]]
    counted = [(each, label) for each, label in pairs if is_read(each)]
    unread = len(pairs) - len(counted)
    left_out = f"not counted, as they cannot be read: {unread:,}"
    if not counted:
        return [f"Pictures with a label {left_out}"]
    right = sum(is_right(*pair) for pair in counted)
    low, high = wilson_interval(right, len(counted))
    lines = [
        f"{len(counted):,} pictures with a label: {right:,} classified correctly, "
        f"{len(counted) - right:,} classified incorrectly",
        f"{right / len(counted):.1%}, 95 % interval {low:.1%} to {high:.1%}",
        *([left_out] if unread else []),
        "",
    ]
    width = max(len(noun), *(len(label) for _, label in counted))
    lines.append(f"{noun:>{width}}  pictures  right  predicted instead")
    for name in sorted({label for _, label in counted}):
        own = [each for each, label in counted if label == name]
        missed = [each for each in own if not is_right(each, name)]
        instead = Counter(each.number or each.remark for each in missed).most_common()
        others = ", ".join(f"{other} ({count:,})" for other, count in instead)
        row = f"{name:>{width}}  {len(own):>8,}  {len(own) - len(missed):>5,}  {others}"
        lines.append(row.rstrip())
    return lines
