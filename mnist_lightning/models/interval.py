"""The interval of an accuracy."""

from math import sqrt


def wilson_interval(right: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of an accuracy, in [0, 1]: E. B. Wilson (1927), JASA 22, 209-212."""
    share, weight = right / total, z * z / total
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * sqrt(share * (1 - share) / total + weight / (4 * total))
    return middle - half, middle + half
