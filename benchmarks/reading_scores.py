"""Scores of texts that were read, beside the true ones."""

from collections.abc import Sequence

import numpy as np

BINS = 15  # of confidence, of equal width: Guo et al. (2017), arXiv 1706.04599


def edit_distance(text: str, other: str) -> int:
    """The fewest characters to insert, take out or replace: Levenshtein's distance."""
    before = list(range(len(other) + 1))
    for i, character in enumerate(text, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (character != wanted)))
        before = row
    return before[-1]


def digits_right(wanted: str, found: str) -> int:
    """How many digits of a number were read; each that is missing, wrong or too many costs one."""
    digits = len(wanted.replace("\n", ""))
    return max(digits - edit_distance(wanted, found), 0)


def calibration_error(probabilities: Sequence[float], right: Sequence[bool]) -> float:
    """Expected calibration error: the mean distance of confidence and accuracy, bin by bin."""
    if not probabilities:
        return 0.0
    bins = np.minimum((np.array(probabilities) * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, np.array(right, float) - np.array(probabilities))
    return float(np.abs(gaps).sum() / len(probabilities))
