"""Scores of a labelled set of images: accuracy, calibration, and those of each class."""

from dataclasses import dataclass
from math import sqrt

from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.classification import multiclass_confusion_matrix

BINS = 15  # of confidence: Guo et al. (2017), arXiv 1706.04599
MOST_FREQUENT = 5


@dataclass(frozen=True)
class DigitScores:
    """Precision, recall and F1 of one class, [0, 1], None for 0 / 0; ``support`` is its images."""

    digit: int
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Confusion:
    """How many images of ``label`` were classified as ``digit``."""

    label: int
    digit: int
    count: int


@dataclass(frozen=True)
class Bin:
    """Predictions of similar confidence: how many, their mean confidence, and their accuracy."""

    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Scores:
    """Scores of a whole set of images, as ``metrics.json`` holds them.

    Attributes:
        count: How many images.
        right: How many were classified correctly.
        accuracy: Their share, [0, 1].
        interval: 95 % interval of the accuracy, Wilson's.
        loss: Mean cross-entropy, in nats.
        calibration_error: Expected calibration error (ECE), [0, 1].
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


def compute_scores(logits: Tensor, labels: Tensor) -> Scores:
    """Compute the scores of logits, (N, C) float, for labels, (N,) int64 in [0, C); N above 0."""
    predictions = logits.argmax(dim=1)
    confidence = logits.double().softmax(dim=1).amax(dim=1)  # in float32 most would be exactly 1
    matrix = multiclass_confusion_matrix(predictions, labels, logits.shape[1])
    right, count = int(matrix.trace()), len(labels)
    bins = _bins(confidence, predictions == labels)
    return Scores(
        count=count,
        right=right,
        accuracy=right / count,
        interval=wilson_interval(right, count),
        loss=F.cross_entropy(logits, labels).item(),
        calibration_error=sum(b.count / count * abs(b.confidence - b.accuracy) for b in bins),
        digits=_digit_scores(matrix),
        confusions=_confusions(matrix),
        confusion_matrix=matrix.tolist(),
        bins=bins,
    )


def wilson_interval(right: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of an accuracy, in [0, 1]: E. B. Wilson (1927), JASA 22, 209-212."""
    share, weight = right / total, z * z / total
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * sqrt(share * (1 - share) / total + weight / (4 * total))
    return middle - half, middle + half


def _digit_scores(matrix: Tensor) -> list[DigitScores]:
    rows = zip(
        matrix.diagonal().tolist(), *(matrix.sum(dim).tolist() for dim in (0, 1)), strict=True
    )
    return [
        DigitScores(
            digit,
            _ratio(hits, predicted),
            _ratio(hits, true),
            _ratio(2 * hits, predicted + true),
            true,
        )
        for digit, (hits, predicted, true) in enumerate(rows)
    ]


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def _confusions(matrix: Tensor) -> list[Confusion]:
    counts, cells = matrix.clone().fill_diagonal_(0).flatten().sort(descending=True, stable=True)
    most = zip(counts[:MOST_FREQUENT].tolist(), cells[:MOST_FREQUENT].tolist(), strict=True)
    size = len(matrix)
    return [Confusion(cell // size, cell % size, count) for count, cell in most if count]


def _bins(confidence: Tensor, is_right: Tensor) -> list[Bin]:
    index = (confidence * BINS).long().clamp(max=BINS - 1)  # a confidence of 1 is in the last bin
    return [
        Bin(int(own.sum()), confidence[own].mean().item(), is_right[own].double().mean().item())
        for own in (index == i for i in range(BINS))
        if own.any()
    ]
