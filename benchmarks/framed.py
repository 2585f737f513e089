"""Ink framed as MNIST's makers framed theirs."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Pixels = NDArray[np.uint8]
Random = np.random.Generator
IMAGE_SIZE, BOX_SIZE = 28, 20
CENTER = 14.0  # of mass, counted from 0, as in MNIST's images
CANVAS = 120  # pixels of the side on which ink is drawn, 6 of which become one


def framed(ink: Pixels, box_size: int = BOX_SIZE) -> Pixels:
    """Scale (H, W) ink on 0 to the box and centre it by its mass: (28, 28)."""
    rows, columns = (np.flatnonzero((ink > 32).any(axis)) for axis in (1, 0))
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    if not rows.size:
        return image
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = box_size / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    small = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BOX))
    means = ndimage.center_of_mass(small.astype(float) + 1e-6)
    top, left = (
        min(max(round(CENTER - mean), 0), IMAGE_SIZE - side)
        for mean, side in zip(means, small.shape, strict=True)
    )
    image[top : top + height, left : left + width] = small
    return image


def enlarged(image: Pixels, side: int = CANVAS) -> Pixels:
    """A small image at the size of the canvas."""
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC))
