"""What is left in a picture without a digit: noise, cloth, blots, stains, shadows, table edges."""

import numpy as np
from framed import CANVAS, Pixels, Random, framed
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from mnist_lightning.data.pictures.framing import frame_digit

Field = NDArray[np.float64]
SIDE = 160  # pixels of a sheet


def noise(random: Random) -> Pixels:
    """Thresholded noise, coarse to fine, over the whole field or a part of it, (28, 28)."""
    field = _smooth(random, random.uniform(2.5, 10))
    ink = field > random.uniform(-0.3, 1.5)
    if random.random() < 0.5:
        ink &= _blot(random, random.uniform(0.2, 0.5))
    return framed((255 * ink).astype(np.uint8))


def cloth(random: Random) -> Pixels:
    """A woven or checked pattern, thresholded, (28, 28)."""
    y, x = np.mgrid[:CANVAS, :CANVAS] / CANVAS * 2 * np.pi
    turn, (down, across) = random.uniform(0, np.pi), random.uniform(2, 7, 2)
    u, v = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    weave = np.sin(down * u) * np.sin(across * v) if random.random() < 0.6 else np.sin(down * u)
    ink = weave + 0.6 * _smooth(random, 3) * random.random() > random.uniform(0, 0.5)
    if random.random() < 0.5:
        ink &= _blot(random, random.uniform(0.2, 0.5))
    return framed((255 * ink).astype(np.uint8))


def blot(random: Random) -> Pixels:
    """A filled blot, or several drops, (28, 28)."""
    ink = np.zeros((CANVAS, CANVAS), bool)
    for _ in range(int(random.choice([1, 1, 2, 3, 5, 8]))):
        one = _blot(random, random.uniform(0.15, 0.5))
        ink |= np.roll(one, random.integers(-40, 41, 2), (0, 1))
    return framed((255 * ink).astype(np.uint8))


def corner(random: Random) -> Pixels:
    """A dark corner of the picture, straight or rough, (28, 28)."""
    y, x = np.mgrid[:CANVAS, :CANVAS] / CANVAS
    turn = np.pi / 2 * (random.integers(4) + random.uniform(0.15, 0.85))
    across = np.cos(turn) * (x - 0.5) + np.sin(turn) * (y - 0.5)
    rough = 0.05 * random.random() * _smooth(random, 3)
    return framed((255 * (across + rough > random.uniform(0.25, 0.5))).astype(np.uint8))


def sheet(random: Random) -> Pixels | None:
    """What framing takes of a sheet with no digit on it: folds, shadows, a hand, (28, 28)."""
    grey = 0.8 + 0.02 * _smooth(random, 1.2, SIDE) + 0.06 * _smooth(random, 40, SIDE)
    image = Image.new("L", (SIDE, SIDE))
    pen = ImageDraw.Draw(image)
    for _ in range(int(random.integers(1, 6))):
        points = random.uniform(-30, SIDE + 30, 4).tolist()
        kind = random.integers(3)
        if kind == 0:
            pen.line(points, fill=255, width=int(random.integers(1, 14)))
        elif kind == 1:
            pen.ellipse(
                [*np.minimum(points[:2], points[2:]), *np.maximum(points[:2], points[2:])], fill=255
            )
        else:
            pen.polygon([*points, *random.uniform(-30, SIDE + 30, 2).tolist()], fill=255)
    soft = ndimage.gaussian_filter(np.asarray(image) / 255, random.uniform(0.5, 8))
    grey *= 1 - random.uniform(0.15, 0.9) * soft
    grey = 1 - grey if random.random() < 0.3 else grey
    return frame_digit(grey.clip(0, 1).astype(np.float32))


def _smooth(random: Random, sigma: float, side: int = CANVAS) -> Field:
    """Smooth noise, (H, W), of mean 0 and deviation 1."""
    coarse = max(1, int(sigma / 2))  # coarse noise is as smooth, and made faster
    field = random.standard_normal((side // coarse + 2,) * 2)
    field = ndimage.gaussian_filter(field, sigma / coarse)
    field = ndimage.zoom(field, coarse, order=1)[:side, :side]
    return np.asarray((field - field.mean()) / field.std())


def _blot(random: Random, size: float) -> NDArray[np.bool_]:
    """A round patch with an uneven edge: inside of it, (H, W)."""
    y, x = np.mgrid[-1 : 1 : CANVAS * 1j, -1 : 1 : CANVAS * 1j]
    radius = np.hypot(x, random.uniform(0.75, 1.3) * y)
    angle = np.arctan2(y, x)
    edge = sum(
        random.uniform(0, 0.25) * np.sin(k * angle + random.uniform(0, 6.3)) for k in range(2, 7)
    )
    return np.asarray(radius < 2 * size * (0.8 + edge))
