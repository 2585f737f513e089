"""Random affine transforms of a batch of images."""

from dataclasses import dataclass
from math import radians

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

# An image would leave its frame, turn more than once, or the transform is not defined.
LIMITS = {"shift": 28, "rotation": 360, "zoom": 1, "shear": 90}


def check_amounts(amounts: dict[str, float]) -> None:
    """Raise ValueError for the first amount that is below 0 or not below its limit."""
    for name, value in amounts.items():
        if not 0 <= value < LIMITS[name]:
            raise ValueError(f"{name} is {value}: must be 0 or more, and below {LIMITS[name]}")


def random_state(*place: int) -> Generator:
    """Random generator seeded by a place in training, such as seed, epoch and step, each >= 0."""
    (seed,) = np.random.SeedSequence(place).generate_state(1, np.uint64)
    return Generator().manual_seed(int(seed))


def random_affine(
    images: Tensor, generator: Generator, shift: float, rotation: float, zoom: float, shear: float
) -> Tensor:
    """Augment by random affine transforms, each image by amounts uniform up to those given.

    Args:
        images: (B, C, S, S) float; beyond an image's edge lie zeros.
        generator: Of the CPU, so that a seed gives the same amounts on every device.
        shift: Pixels, along each axis.
        rotation: Degrees.
        zoom: Sizes are divided by 1 - zoom to 1 + zoom, along each axis.
        shear: Degrees.

    Returns:
        (B, C, S, S) float, interpolated bilinearly.
    """
    amounts = torch.rand(6, len(images), generator=generator) * 2 - 1
    scale = 1 + zoom * amounts[:2]
    angle = radians(rotation) * amounts[2]
    slant = torch.tan(radians(shear) * amounts[3])
    moved = amounts[4:] * shift * 2 / images.shape[-1]  # affine_grid counts an image as 2 wide
    cos, sin = angle.cos(), angle.sin()
    # where each pixel of the result comes from: shear, then turn, then zoom, then shift
    rows = [scale[0] * cos, scale[0] * (cos * slant - sin), moved[0]]
    rows += [scale[1] * sin, scale[1] * (sin * slant + cos), moved[1]]
    theta = torch.stack(rows, dim=1).view(-1, 2, 3).to(images.device, images.dtype)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


@dataclass(frozen=True)
class Augmentation:
    """Random shifts, rotations, zooms and shears that follow from seed, epoch and batch alone.

    Attributes:
        seed: At least 0.
        shift: As of ``random_affine``, like the others.
        rotation: Degrees.
        zoom: In [0, 1).
        shear: Degrees.

    Raises:
        ValueError: An amount is out of range.
    """

    seed: int
    shift: float
    rotation: float
    zoom: float
    shear: float

    def __post_init__(self) -> None:
        check_amounts(self.amounts)

    def __call__(self, images: Tensor, epoch: int, first: int) -> Tensor:
        """Augment a batch.

        Args:
            images: (B, 1, S, S) float.
            epoch: From 0.
            first: Index of its first image, of which an epoch has no other batch.
        """
        return random_affine(images, random_state(self.seed, epoch, first), **self.amounts)

    @property
    def amounts(self) -> dict[str, float]:
        """The amounts by name."""
        return {name: getattr(self, name) for name in LIMITS}
