"""Scores of a labelled set of images: accuracy, calibration, and those of each class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.classification import multiclass_confusion_matrix

from mnist_lightning.data.source import class_labels, noun_of
from mnist_lightning.models.interval import wilson_interval as wilson_interval

BINS = 15  # of confidence: Guo et al. (2017), arXiv 1706.04599
MOST_FREQUENT = 5

Row = dict[str, Any]


@dataclass(frozen=True)
class Scores:
    """Scores of a whole set of images, as ``metrics.json`` holds them."""

    count: int  # images
    right: int  # those classified correctly
    accuracy: float  # [0, 1]
    interval: tuple[float, float]  # of the accuracy, 95 %, Wilson's
    loss: float  # mean cross-entropy, in nats
    calibration_error: float  # expected calibration error (ECE), [0, 1]
    # of each digit, or class: precision, recall and f1, [0, 1], None for 0 / 0; support: its images
    digits: list[Row]
    confusions: list[Row]  # label, digit that was predicted, count; the most frequent, at most 5
    confusion_matrix: list[list[int]]  # rows are the truth, columns the predictions
    bins: list[Row]  # count, mean confidence and accuracy of 15 of equal width; not the empty ones


def compute_scores(logits: Tensor, labels: Tensor, classes: Sequence[str] = ()) -> Scores:
    """Compute the scores of logits, (N, C) float, for labels, (N,) int64 in [0, C); N above 0.

    Classes with other names than numbers stand in the rows by these, as ``class``, not ``digit``.
    """
    names = class_labels(classes, logits.shape[1])
    noun = noun_of(names)
    predictions = logits.argmax(dim=1)
    confidence = logits.double().softmax(dim=1).amax(dim=1)  # in float32 many would be exactly 1
    matrix = multiclass_confusion_matrix(predictions, labels, logits.shape[1])
    right, count, table = int(matrix.trace()), len(labels), matrix.tolist()
    loss = F.cross_entropy(logits, labels).item()
    index = (confidence * BINS).long().clamp(0, BINS - 1)  # a confidence of 1 is in the last bin
    weights = (None, confidence, (predictions == labels).double())
    sums = zip(*(index.bincount(each).tolist() for each in weights), strict=True)
    bins = [
        {"count": n, "confidence": sure / n, "accuracy": hits / n} for n, sure, hits in sums if n
    ]
    error = sum(b["count"] / count * abs(b["confidence"] - b["accuracy"]) for b in bins)
    digits = [{noun: name, **_digit_scores(table, i)} for i, name in enumerate(names)]
    pairs = matrix.clone().fill_diagonal_(0).nonzero().tolist()
    found = [{"label": names[i], noun: names[j], "count": table[i][j]} for i, j in pairs]
    most = sorted(found, key=lambda pair: -pair["count"])[:MOST_FREQUENT]
    interval = wilson_interval(right, count)
    return Scores(count, right, right / count, interval, loss, error, digits, most, table, bins)


def describe_pair(label: object, prediction: object, gap: str = " ") -> str:
    """Name the truth and a prediction, in the words of all tables and figures."""
    return f"true {label},{gap}predicted {prediction}"


def _digit_scores(matrix: list[list[int]], digit: int) -> Row:
    hits, true, predicted = matrix[digit][digit], sum(matrix[digit]), sum(r[digit] for r in matrix)
    pairs = {
        "precision": (hits, predicted),
        "recall": (hits, true),
        "f1": (2 * hits, predicted + true),
    }
    shares = {name: over / under if under else None for name, (over, under) in pairs.items()}
    return {**shares, "support": true}
