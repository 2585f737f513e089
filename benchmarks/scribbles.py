"""What is written but is no digit."""

from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from paper import SIDE, Digit, Random, clouds
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

# with no digit's form, also where small letters are written large
LETTERS = "AEFHKMNRWXkmwxΨΩΞЖШЮФД#@%"
FOLDER = Path(matplotlib.get_data_path()) / "fonts/ttf"
FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSansMono"),
    *("DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralItalic", "STIXGeneralBol"),
)
TRIANGLE = [(0, 1), (0.5, 0), (1, 1), (0, 1)]
SHAPES = (  # of strokes, each of points from 0 to 1
    [[(0, 0), (1, 0), (1, 1), (0, 1), (0, 0), (1, 0)]],
    [TRIANGLE],
    [[(0, 0.5), (1, 0.5)], [(0.65, 0.2), (1, 0.5), (0.65, 0.8)]],
    [[(0, 0), (1, 1)], [(1, 0), (0, 1)]],
    [[(0.5, 0), (0.5, 1)], [(0, 0.5), (1, 0.5)]],
    [[(0.2, 1), (0.5, 0), (0.8, 1), (0, 0.4), (1, 0.4), (0.2, 1)]],
    [[(0, 0.4), (0.5, 0), (1, 0.4), (1, 1), (0, 1), (0, 0.4), (1, 0.4)]],
    [TRIANGLE, [(0.2, 0.6), (0.8, 0.6)]],
    [[(0, 0.1), (1, 0.1)], [(0, 0.5), (1, 0.5)], [(0, 0.9), (1, 0.9)]],
)


def letter(random: Random) -> Digit:
    """One or two letters without a digit's look, warped as by a hand, (28, 28)."""
    count = 1 if random.random() < 0.7 else 2
    text = "".join(random.choice(list(LETTERS), count))
    font = ImageFont.truetype(FOLDER / f"{FONTS[random.integers(len(FONTS))]}.ttf", 200)
    sheet = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(sheet).text((SIDE / 2, SIDE / 2), text, fill=255, font=font, anchor="mm")
    return _small(_warped(np.asarray(sheet), random))


def scribble(random: Random) -> Digit:
    """A tangle, a spiral, or hatching, (28, 28)."""
    along = np.linspace(0, 1, 500)
    kind = random.integers(3)
    if kind == 0:
        turns = random.normal(0, 1, (2, int(random.integers(10, 24))))
        nodes = np.linspace(0, 1, turns.shape[1])
        line = np.stack([np.interp(along, nodes, row) for row in turns])
        line = ndimage.gaussian_filter1d(line, 500 / turns.shape[1] / 3, axis=1)
    elif kind == 1:
        angle = along * 2 * np.pi * random.uniform(3, 6) + random.uniform(0, 6)
        line = along**0.8 * np.stack([np.cos(angle), random.uniform(0.5, 1) * np.sin(angle)])
    else:
        zigzag = np.abs((along * random.uniform(6, 14)) % 2 - 1) - 0.5
        line = np.stack([along - 0.5 + random.uniform(-0.4, 0.4) * zigzag, zigzag])
    return _drawn([line], random)


def shape(random: Random) -> Digit:
    """A square, triangle, arrow, cross, star, house, or lines, (28, 28)."""
    strokes = SHAPES[random.integers(len(SHAPES))]
    return _drawn([_dense(np.array(points, float).T) for points in strokes], random)


def _dense(points: NDArray[np.float64]) -> NDArray[np.float64]:
    ends = np.arange(points.shape[1])
    return np.stack([np.interp(np.linspace(0, ends[-1], 200), ends, row) for row in points])


def _drawn(strokes: list[NDArray[np.float64]], random: Random) -> Digit:
    """Lines, each (2, points) of x and y, with a pen, as large as the sheet allows."""
    every = np.concatenate(strokes, 1)
    low, span = every.min(1, keepdims=True), np.ptp(every)
    sheet = Image.new("L", (SIDE, SIDE))
    width = int(random.integers(10, 30))
    for line in strokes:
        places = 70 + 260 * (line - low) / span
        ImageDraw.Draw(sheet).line(list(map(tuple, places.T)), 255, width, joint="curve")
    return _small(_warped(np.asarray(sheet), random))


def _warped(sheet: Digit, random: Random) -> Digit:
    wander = np.stack([clouds(random, 45), clouds(random, 45)]) * random.uniform(3, 12)
    warped = ndimage.map_coordinates(sheet, np.indices((SIDE, SIDE)) + wander, order=1)
    turn = Image.fromarray(warped).rotate(random.uniform(-12, 12), Image.Resampling.BICUBIC)
    return np.asarray(turn)


def _small(sheet: Digit) -> Digit:
    """Cut, and brought to 28 x 28 as MNIST's digits are: 20 high or wide."""
    box = Image.fromarray(sheet).getbbox() or (0, 0, SIDE, SIDE)
    ink = Image.fromarray(sheet).crop(box)
    ink.thumbnail((20, 20), Image.Resampling.BOX)
    small = Image.new("L", (28, 28))
    small.paste(ink, ((28 - ink.width) // 2, (28 - ink.height) // 2))
    return np.asarray(small)
