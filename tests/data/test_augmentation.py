"""Random affine transforms against closed forms: where a spot on an image goes."""

from math import cos, radians, sin, tan

import numpy as np
import pytest
import torch
from torch import Tensor

from mnist_lightning.data.augmentation import Augmentation

COUNT = 2000
SIN, COS, TAN = sin(radians(10)), cos(radians(10)), tan(radians(15))


def places(amount: dict[str, float], right: float, down: float) -> tuple[Tensor, Tensor]:
    """Where a round spot goes: pixels from the centre to the right, and down; (COUNT,) each."""
    steps = torch.arange(28) - 13.5
    across, along = (torch.exp(-((steps - at) ** 2) / 8) for at in (right, down))
    spots = torch.outer(along, across).expand(COUNT, 1, 28, 28)
    images = Augmentation(0, **amount)(spots, 0, 0)
    mass = images.sum((1, 2, 3))
    return (images.sum((1, 2)) @ steps) / mass, (images.sum((1, 3)) @ steps) / mass


def test_without_amounts_nothing_changes() -> None:
    images, still = torch.rand(5, 1, 28, 28), Augmentation(0)
    assert not still
    torch.testing.assert_close(still(images, 0, 0), images)


@pytest.mark.parametrize(
    ("amount", "spot", "low", "high"),
    [
        ({"shift": 3.0}, (0, 0), (-3, -3), (3, 3)),
        ({"rotation": 10.0}, (0, -6), (-6 * SIN, -6), (6 * SIN, -6 * COS)),
        ({"zoom": 0.2}, (5, 4), (5 / 1.2, 4 / 1.2), (5 / 0.8, 4 / 0.8)),
        ({"shear": 15.0}, (0, 6), (-6 * TAN, 6), (6 * TAN, 6)),
    ],
)
def test_each_amount_moves_a_spot_as_far_as_it_says(
    amount: dict[str, float],
    spot: tuple[int, int],
    low: tuple[float, float],
    high: tuple[float, float],
) -> None:
    for place, least, most in zip(places(amount, *spot), low, high, strict=True):
        assert place.min().item() == pytest.approx(least, abs=0.05)
        assert place.max().item() == pytest.approx(most, abs=0.05)


def test_shifts_are_uniform_and_the_axes_independent() -> None:
    right, down = places({"shift": 3.0}, 0, 0)
    assert right.std().item() == pytest.approx(3 / 3**0.5, rel=0.05)
    assert abs(np.corrcoef(right, down)[0, 1]) < 0.1
