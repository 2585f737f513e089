"""Scores against scikit-learn, SciPy and NumPy."""

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support
from torch import Tensor

from mnist_lightning.report.scores import BINS, compute_scores, wilson_interval


def answers(count: int) -> tuple[Tensor, Tensor]:
    """Logits and labels, most of them right."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (count,), generator=generator)
    return 4 * torch.eye(10)[labels] + 2 * torch.randn(count, 10, generator=generator), labels


@pytest.mark.parametrize("count", [500, 70, 3, 1])  # of few images some digits are in neither
def test_each_digit_as_scikit_learn_scores_it(count: int) -> None:
    logits, labels = answers(count)
    scores = compute_scores(logits, labels)
    digits, pair = range(10), (labels, logits.argmax(1))
    expected = precision_recall_fscore_support(*pair, labels=digits, zero_division=np.nan)
    given = [list(each.values())[1:] for each in scores.digits]
    np.testing.assert_allclose(np.array(given, float), np.array(expected).T, atol=1e-6)
    matrix = confusion_matrix(*pair, labels=digits)
    assert scores.confusion_matrix == matrix.tolist()
    assert (scores.right, scores.count) == (matrix.trace(), count)
    probabilities = logits.double().softmax(1)
    assert scores.loss == pytest.approx(log_loss(labels, probabilities, labels=digits), 1e-5)


@pytest.mark.parametrize("scale", [1, 100])
def test_calibration_error_is_the_mean_gap_over_the_bins(scale: int) -> None:
    logits, labels = answers(500)
    scores = compute_scores(scale * logits, labels)  # large ones give probabilities of exactly 1
    probabilities = (scale * logits).double().softmax(1).numpy()
    sure, right = probabilities.max(1), probabilities.argmax(1) == labels.numpy()
    where = np.minimum(np.floor(sure * BINS), BINS - 1)
    gap = sum(abs((sure - right)[where == i].sum()) for i in range(BINS)) / 500
    assert scores.calibration_error == pytest.approx(gap)
    counts, confidences, accuracies = np.array([list(each.values()) for each in scores.bins]).T
    assert counts @ abs(confidences - accuracies) / 500 == pytest.approx(gap)


def test_confusions_most_frequent_first() -> None:
    labels = torch.tensor([4, 4, 4, 7, 7, 0, 1])
    logits = torch.eye(10)[torch.tensor([9, 9, 4, 2, 7, 0, 1])]
    pairs = [list(each.values()) for each in compute_scores(logits, labels).confusions]
    assert pairs == [[4, 9, 2], [7, 2, 1]]
    assert compute_scores(logits, logits.argmax(1)).confusions == []


def test_interval_is_wilsons() -> None:
    for right, total in ((9885, 10_000), (0, 5), (7, 7)):
        expected = binomtest(right, total).proportion_ci(0.95, "wilson")
        assert wilson_interval(right, total) == pytest.approx(tuple(expected), abs=1e-7)
