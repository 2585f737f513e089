"""Random affine transforms against closed forms: where a spot on an image goes."""

from math import cos, radians, sin, tan

import numpy as np
import pytest
import torch
from torch import Tensor

from mnist_lightning.data.augmentation import random_affine, random_state

STILL = {"shift": 0.0, "rotation": 0.0, "zoom": 0.0, "shear": 0.0}
COUNT = 2000


def spots(right: float, down: float) -> Tensor:
    """A round spot, so many pixels from the centre; (COUNT, 1, 28, 28)."""
    steps = torch.arange(28) - 13.5
    across, along = (torch.exp(-((steps - at) ** 2) / 8) for at in (right, down))
    return torch.outer(along, across).expand(COUNT, 1, 28, 28)


def places(images: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels from the centre to each image's centre of mass: to the right, down."""
    steps, mass = torch.arange(28) - 13.5, images.sum((1, 2, 3))
    return (images.sum((1, 2)) @ steps) / mass, (images.sum((1, 3)) @ steps) / mass


def test_without_amounts_nothing_changes() -> None:
    images = torch.rand(5, 1, 28, 28, generator=random_state(0))
    torch.testing.assert_close(random_affine(images, random_state(1), **STILL), images)


SIN, COS, TAN = sin(radians(10)), cos(radians(10)), tan(radians(15))


@pytest.mark.parametrize(
    ("amount", "spot", "low", "high"),
    [
        ({"shift": 3.0}, (0, 0), (-3, -3), (3, 3)),
        ({"rotation": 10.0}, (0, -6), (-6 * SIN, -6), (6 * SIN, -6 * COS)),
        ({"zoom": 0.2}, (5, 4), (5 / 1.2, 4 / 1.2), (5 / 0.8, 4 / 0.8)),
        ({"shear": 15.0}, (0, 6), (-6 * TAN, 6), (6 * TAN, 6)),
    ],
    ids=["shift", "rotation", "zoom", "shear"],
)
def test_each_amount_moves_a_spot_as_far_as_it_says(
    amount: dict[str, float],
    spot: tuple[int, int],
    low: tuple[float, float],
    high: tuple[float, float],
) -> None:
    moved = places(random_affine(spots(*spot), random_state(0), **{**STILL, **amount}))
    for place, least, most in zip(moved, low, high, strict=True):
        assert place.min().item() == pytest.approx(least, abs=0.05)
        assert place.max().item() == pytest.approx(most, abs=0.05)


def test_shifts_are_uniform_and_the_axes_independent() -> None:
    right, down = places(random_affine(spots(0, 0), random_state(0), **{**STILL, "shift": 3.0}))
    assert right.std().item() == pytest.approx(3 / 3**0.5, rel=0.05)
    assert abs(np.corrcoef(right, down)[0, 1]) < 0.1


def test_the_random_state_follows_from_the_place_alone() -> None:
    draws = [torch.rand(3, generator=random_state(*place)) for place in ((1, 2), (1, 2), (2, 1))]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
