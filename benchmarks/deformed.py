"""MNIST's digits written by other hands: deformed elastically, with other pens and small faults."""

import numpy as np
import torch
import torch.nn.functional as F
from framed import Pixels, Random, framed
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from torch import Tensor

# Simard, Steinkraus, Platt (2003), Best Practices for Convolutional Neural Networks: displacements
# uniform in [-1, 1], smoothed by a Gaussian of 4 pixels and multiplied by 34
SMOOTHING = 4.0
STRENGTHS = (15.0, 36.0)  # each digit draws its own
SCALE = 4  # pixels of the side by which digits are enlarged, on which the pen's width changes
THINNEST, THICKEST = -2, 6  # steps of a quarter pixel on each side of a stroke
LEAST_INK = 0.45  # share of the ink that a thin pen leaves, or else it stays as it is
FAULTY = 0.3  # share of digits with a small fault
CHUNK = 500


def deform(images: Pixels, random: Random) -> Pixels:
    """Write digits, (N, 28, 28), anew by other hands: (N, 28, 28), framed."""
    chunks = np.array_split(images, max(1, len(images) // CHUNK))
    return np.concatenate([_deform_chunk(chunk, random) for chunk in chunks])


def _deform_chunk(images: Pixels, random: Random) -> Pixels:
    ink = torch.from_numpy(images / np.float32(255))[:, None]
    large = F.grid_sample(ink, _elastic_grid(len(images), random), "bicubic", align_corners=False)
    steps = random.integers(THINNEST, THICKEST + 1, len(images))
    written = (255 * other_pen(large.clamp(0, 1), steps)).round().to(torch.uint8).numpy()[:, 0]
    faulty = random.random(len(images)) < FAULTY
    return np.stack(
        [
            framed(with_fault(each, random) if fault else each)
            for each, fault in zip(written, faulty, strict=True)
        ]
    )


def _elastic_grid(count: int, random: Random) -> Tensor:
    """Where each pixel of the enlarged images is taken from: (N, H, W, 2), [-1, 1]."""
    side = 28
    fields = random.uniform(-1, 1, (count, 2, side, side)).astype(np.float32)
    smooth = ndimage.gaussian_filter(fields, (0, 0, SMOOTHING, SMOOTHING), mode="constant")
    strength = random.uniform(*STRENGTHS, (count, 1, 1, 1)).astype(np.float32)
    shift = torch.from_numpy(smooth * strength * np.float32(2 / side))
    size = [side * SCALE] * 2
    large = F.interpolate(shift, size, mode="bilinear", align_corners=False)
    identity = F.affine_grid(torch.eye(2, 3)[None], [1, 1, *size], align_corners=False)
    return identity + large.permute(0, 2, 3, 1)


def other_pen(ink: Tensor, steps: NDArray[np.int64]) -> Tensor:
    """Widen strokes, (N, 1, H, W) in [0, 1], by so many pixels on each side, or thin them."""
    result = ink.clone()
    for way in (1, -1):
        grown = way * ink
        for step in range(1, max(way * steps) + 1):
            going = torch.from_numpy(way * steps >= step)
            grown[going] = _grow(grown[going], square=bool(step % 2))
        changed = torch.from_numpy(way * steps > 0)
        result[changed] = way * grown[changed]
    left = result.sum((1, 2, 3)) / ink.sum((1, 2, 3))
    return torch.where((left < LEAST_INK)[:, None, None, None], ink, result)


def _grow(ink: Tensor, square: bool) -> Tensor:
    """Widen by a pixel on each side, square or as a cross: by turns they are nearly round."""
    down = F.max_pool2d(ink, (3, 1), 1, (1, 0))
    across = F.max_pool2d(down if square else ink, (1, 3), 1, (0, 1))
    return across if square else torch.maximum(down, across)


def with_fault(ink: Pixels, random: Random) -> Pixels:
    """A fault with which it stays the same digit: rough edges, a gap, a speck or a bit of line."""
    image = Image.fromarray(ink)
    pen, side = ImageDraw.Draw(image), len(ink)
    fault = random.integers(4)
    if fault == 0:  # the hard edge of a threshold, on paper with noise
        noise = ndimage.gaussian_filter(random.standard_normal(ink.shape), 1.5)
        return np.where(ink + 110 * noise > 128, 255, 0).astype(np.uint8)
    y, x = random.integers(side, size=2)
    if fault == 1:  # a gap, where the pen gave no ink
        rows, columns = np.nonzero(ink > 128)
        place = random.integers(len(rows))
        y, x, r = rows[place], columns[place], random.uniform(2, 5)
        pen.ellipse([x - r, y - r, x + r, y + r], fill=0)
    elif fault == 2:  # a speck
        r = random.uniform(1.5, 4)
        y, x = (min(max(each, 20), side - 20) for each in (y, x))
        pen.ellipse([x - r, y - r, x + r, y + r], fill=255)
    else:  # what is left of a ruled line
        reach = random.integers(8, 26)
        y, x = (min(max(each, 20), side - 45) for each in (y, x))
        pen.line([x, y, x + reach, y + random.integers(-1, 2)], fill=255, width=3)
    return np.asarray(image)
