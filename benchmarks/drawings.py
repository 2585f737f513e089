"""A digit as a program for drawing gives it: clean, without a camera."""

import numpy as np
from numpy.typing import NDArray
from paper import SIDE, Digit, Random
from PIL import Image, ImageDraw
from scipy import ndimage

NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def enlarged(digit: Digit, random: Random) -> Image.Image:
    """Light on dark as in MNIST, 280 pixels wide."""
    return Image.fromarray(digit).resize((280, 280), Image.Resampling.BICUBIC)


def inverted(digit: Digit, random: Random) -> Image.Image:
    """Dark on light."""
    return Image.fromarray(255 - np.asarray(enlarged(digit, random)))


def shifted(digit: Digit, random: Random) -> Image.Image:
    """A small dark digit anywhere on a large white sheet."""
    sheet = Image.new("L", (900, 600), "white")
    side = int(random.integers(90, 300))
    ink = inverted(digit, random).resize((side, side))
    sheet.paste(ink, (int(random.integers(900 - side)), int(random.integers(600 - side))))
    return sheet


def rotated(digit: Digit, random: Random) -> Image.Image:
    """Turned by up to 12 degrees."""
    turned = enlarged(digit, random).rotate(random.uniform(-12, 12), Image.Resampling.BICUBIC)
    return Image.fromarray(255 - np.asarray(turned))


def tight(digit: Digit, random: Random) -> Image.Image:
    """Cut to the ink."""
    ink = inverted(digit, random)
    rows, columns = (np.flatnonzero((np.asarray(ink) < 128).any(axis)) for axis in (1, 0))
    return ink.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))


def mouse(digit: Digit, random: Random) -> Image.Image:
    """The middle line of the digit, drawn anew with a thin round pen, a little unsteadily."""
    scale = 4
    large = np.asarray(Image.fromarray(digit).resize((28 * scale,) * 2, Image.Resampling.BICUBIC))
    wander = ndimage.gaussian_filter(random.normal(0, 1, (2, 112, 112)), (0, 8, 8)) * 25
    line = {(y, x) for y, x in zip(*np.nonzero(thinned(large > 110)), strict=True)}
    place = {(y, x): (3 * (x + wander[0, y, x]), 3 * (y + wander[1, y, x])) for y, x in line}
    sheet = Image.new("L", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(sheet)
    width = int(random.integers(2, 12))
    for (y, x), (across, down) in place.items():
        for other in ((y + dy, x + dx) for dy, dx in NEIGHBOURS if (y + dy, x + dx) in place):
            pen.line([(across, down), place[other]], fill="black", width=width)
        half = width / 2
        pen.ellipse([across - half, down - half, across + half, down + half], fill="black")
    return sheet


def thinned(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Take pixels off until a line one pixel wide is left.

    T. Y. Zhang, C. Y. Suen (1984), Communications of the ACM 27, 236-239.
    """
    ink = np.pad(ink, 1)
    while True:
        before = ink.sum()
        for first in (True, False):
            ring = [np.roll(ink, (-dy, -dx), (0, 1)) for dy, dx in NEIGHBOURS]
            n, e, s, w = ring[::2]
            count = sum(r.astype(int) for r in ring)
            changes = sum(
                (~a & b).astype(int) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)
            )
            corner = ~(n & e & s) & ~(e & s & w) if first else ~(n & e & w) & ~(n & s & w)
            ink = ink & ~((count >= 2) & (count <= 6) & (changes == 1) & corner)
        if ink.sum() == before:
            return ink[1:-1, 1:-1]
