"""Random affine transforms of a batch of images."""

from dataclasses import dataclass
from math import radians

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional as F

# An image would leave its frame, turn more than once, or the transform is not defined.
LIMITS = {"shift": 28, "rotation": 360, "zoom": 1, "shear": 90}


@dataclass(frozen=True)
class Augmentation:
    """Move each image by amounts uniform up to those given; seed, epoch and batch decide them."""

    seed: int  # at least 0
    shift: float = 0.0  # pixels, along each axis
    rotation: float = 0.0  # degrees
    zoom: float = 0.0  # sizes are divided by 1 - zoom to 1 + zoom, along each axis
    shear: float = 0.0  # degrees

    def __post_init__(self) -> None:
        for name, limit in LIMITS.items():
            value = getattr(self, name)
            if not 0 <= value < limit:
                raise ValueError(f"{name} is {value}: must be 0 or more, and below {limit}")

    def __bool__(self) -> bool:
        return any((self.shift, self.rotation, self.zoom, self.shear))

    def __call__(self, images: Tensor, epoch: int, first: int) -> Tensor:
        """Move a batch, (B, C, S, S) float, with bilinear interpolation; beyond it lie zeros.

        The index of its first image tells it from the epoch's other batches.
        """
        (seed,) = np.random.SeedSequence((self.seed, epoch, first)).generate_state(1, np.uint64)
        generator = Generator().manual_seed(int(seed))  # the CPU's: the same on every device
        amounts = torch.rand(6, len(images), generator=generator) * 2 - 1
        scale = 1 + self.zoom * amounts[:2]
        angle = radians(self.rotation) * amounts[2]
        slant = torch.tan(radians(self.shear) * amounts[3])
        moved = amounts[4:] * self.shift * 2 / images.shape[-1]  # affine_grid: an image is 2 wide
        cos, sin = angle.cos(), angle.sin()
        # where each pixel of the result comes from: shear, then turn, then zoom, then shift
        rows = [scale[0] * cos, scale[0] * (cos * slant - sin), moved[0]]
        rows += [scale[1] * sin, scale[1] * (sin * slant + cos), moved[1]]
        theta = torch.stack(rows, dim=1).view(-1, 2, 3).to(images.device, images.dtype)
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)
