"""What the answers to a set of labelled images are worth, in numbers."""

from dataclasses import dataclass
from math import sqrt

from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.classification import (
    multiclass_calibration_error,
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_precision,
    multiclass_recall,
)

BINS = 15  # of confidence: Guo et al. (2017), arXiv 1706.04599
MOST_FREQUENT = 5


@dataclass(frozen=True)
class DigitScores:
    """Precision, recall and F1 of one digit, in [0, 1]; None where there is nothing to divide by.

    ``support`` counts its images.
    """

    digit: int
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Confusion:
    """How many images of ``label`` were taken for ``digit``."""

    label: int
    digit: int
    count: int


@dataclass(frozen=True)
class Bin:
    """Images whose predictions are equally probable.

    ``confidence`` is the mean probability of the predictions, ``accuracy`` the share that is right.
    """

    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Scores:
    """How well a whole set of images was classified.

    Attributes:
        count: How many images.
        right: How many were classified correctly.
        accuracy: Their share.
        interval: Its 95 % interval, Wilson's.
        loss: Mean cross-entropy, in nats.
        calibration_error: Mean distance between confidence and accuracy over the bins (ECE).
        digits: Of each class.
        confusions: The most frequent, at most 5.
        confusion_matrix: Rows are the truth, columns the predictions.
        bins: 15 of equal width in confidence, without the empty ones.
    """

    count: int
    right: int
    accuracy: float
    interval: tuple[float, float]
    loss: float
    calibration_error: float
    digits: list[DigitScores]
    confusions: list[Confusion]
    confusion_matrix: list[list[int]]
    bins: list[Bin]


def evaluate(logits: Tensor, labels: Tensor) -> Scores:
    """Score logits, (N, C) float, against labels, (N,) int64 in [0, C); N is at least 1."""
    classes = logits.shape[1]
    matrix = multiclass_confusion_matrix(logits, labels, classes)
    right, count = int(matrix.trace()), len(labels)
    # torchmetrics 1.9 gives a probability of exactly 1, common in float32, a bin of its own
    probabilities = logits.double().softmax(dim=1).clamp(max=1 - 1e-12)
    return Scores(
        count,
        right,
        right / count,
        wilson_interval(right, count),
        F.cross_entropy(logits, labels).item(),
        multiclass_calibration_error(probabilities, labels, classes, BINS).item(),
        _digit_scores(logits, labels, matrix),
        _confusions(matrix),
        matrix.tolist(),
        _bins(probabilities, labels),
    )


def wilson_interval(right: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of an accuracy in [0, 1]: E. B. Wilson (1927), JASA 22, 209-212."""
    share, weight = right / total, z * z / total
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * sqrt(share * (1 - share) / total + weight / (4 * total))
    return middle - half, middle + half


def _digit_scores(logits: Tensor, labels: Tensor, matrix: Tensor) -> list[DigitScores]:
    classes, support, predicted = len(matrix), matrix.sum(dim=1), matrix.sum(dim=0)
    precision = multiclass_precision(logits, labels, classes, average=None)
    recall = multiclass_recall(logits, labels, classes, average=None)
    f1 = multiclass_f1_score(logits, labels, classes, average=None)
    columns = (
        _defined(precision, predicted),
        _defined(recall, support),
        _defined(f1, support + predicted),
    )
    rows = zip(*columns, support.tolist(), strict=True)
    return [DigitScores(digit, *row) for digit, row in enumerate(rows)]


def _defined(values: Tensor, denominators: Tensor) -> list[float | None]:
    pairs = zip(values.tolist(), denominators.tolist(), strict=True)
    return [value if denominator else None for value, denominator in pairs]


def _confusions(matrix: Tensor) -> list[Confusion]:
    pairs = matrix.clone().fill_diagonal_(0).nonzero().tolist()
    found = [Confusion(label, digit, int(matrix[label, digit])) for label, digit in pairs]
    return sorted(found, key=lambda each: -each.count)[:MOST_FREQUENT]


def _bins(probabilities: Tensor, labels: Tensor) -> list[Bin]:
    confidence, digits = probabilities.max(dim=1)
    is_right = (digits == labels).double()
    index = (confidence * BINS).long()
    return [
        Bin(int(those.sum()), confidence[those].mean().item(), is_right[those].mean().item())
        for those in (index == i for i in range(BINS))
        if those.any()
    ]
