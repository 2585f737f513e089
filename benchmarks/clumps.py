"""What digits make that is no digit: several in a row or in two, crossed out, or in a frame."""

import numpy as np
from framed import CANVAS, Pixels, Random, enlarged, framed
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

Labels = NDArray[np.int64]
CROSSABLE = (0, 2, 3, 4, 5, 6, 8, 9)  # a 1 or 7 with a stroke across is a 4, or a barred 7


def row(digits: Pixels, labels: Labels, random: Random) -> Pixels:
    """Two or three digits side by side or touching, (28, 28)."""
    count = int(random.choice([2, 2, 3]))
    ink = _row(digits[random.choice(len(digits), count)], random)
    return _with_pen(ink, random)


def two_rows(digits: Pixels, labels: Labels, random: Random) -> Pixels:
    """Two rows of one to three digits, (28, 28)."""
    rows = [
        _row(digits[random.choice(len(digits), int(random.integers(1, 4)))], random)
        for _ in range(2)
    ]
    width = max(each.shape[1] for each in rows)
    lead = np.zeros((int(random.integers(2, 20)), width), np.uint8)
    upper, lower = (np.pad(each, ((0, 0), (0, width - each.shape[1]))) for each in rows)
    return _with_pen(np.concatenate([upper, lead, lower]), random)


def crossed_out(digits: Pixels, labels: Labels, random: Random) -> Pixels:
    """A digit under a cross, a zigzag or several strokes, (28, 28)."""
    index = random.choice(np.flatnonzero(np.isin(labels, CROSSABLE)))
    image = Image.fromarray(enlarged(digits[index]))
    pen, low, high, width = ImageDraw.Draw(image), 12, CANVAS - 12, int(random.integers(7, 16))
    sway = random.uniform(-10, 10, 12)
    if random.random() < 0.4:
        lines = [[(low, low + sway[0]), (high, high + sway[1])]]
        lines.append([(low, high + sway[2]), (high, low + sway[3])])
    elif random.random() < 0.5:
        turns = np.linspace(low, high, int(random.integers(5, 10)))
        lines = [[(low if i % 2 else high, y + sway[i]) for i, y in enumerate(turns)]]
    else:
        heights = random.uniform(low, high, int(random.integers(3, 6)))
        lines = [[(4, y + sway[i]), (116, y - sway[i])] for i, y in enumerate(heights)]
    for line in lines:
        pen.line(line, fill=255, width=width, joint="curve")
    return framed(np.asarray(image))


def in_frame(digits: Pixels, labels: Labels, random: Random) -> Pixels:
    """A sheet's border, or three sides of it, with a digit, a blot or nothing in it, (28, 28)."""
    width, height = random.integers(70, CANVAS - 8, 2)
    image = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(image)
    sides = [(4, 4), (width, 4 + random.integers(-4, 5)), (width, height), (4, height), (4, 4)]
    sides = sides[:-1] if random.random() < 0.2 else sides
    pen.line(sides, fill=255, width=int(random.integers(7, 16)), joint="curve")
    inside = random.random()
    size = int(min(width, height) * random.uniform(0.3, 0.75))
    corner = (int(random.integers(8, width - size)), int(random.integers(8, height - size)))
    if inside < 0.6:
        digit = Image.fromarray(enlarged(digits[random.choice(len(digits))], size))
        image.paste(255, corner, digit)
    elif inside < 0.85:
        pen.ellipse([*corner, corner[0] + size // 2, corner[1] + size // 2], fill=255)
    return framed(np.asarray(image))


def _row(digits: Pixels, random: Random) -> Pixels:
    """Digits beside each other, (H, W), some of them touching."""
    pieces: list[Pixels] = []
    for digit in digits:
        ink = enlarged(digit, int(random.integers(70, 120)))
        rows, columns = (np.flatnonzero((ink > 32).any(axis)) for axis in (1, 0))
        pieces.append(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    height = max(len(piece) for piece in pieces)
    sheet = np.zeros((height, sum(piece.shape[1] + 30 for piece in pieces)), np.uint8)
    right = 0
    for piece in pieces:
        left = max(0, right + int(random.integers(-12, 25)))
        top = int(random.integers(0, height - len(piece) + 1))
        place = sheet[top : top + len(piece), left : left + piece.shape[1]]
        np.maximum(place, piece, out=place)
        right = left + piece.shape[1]
    return sheet[:, :right]


def _with_pen(ink: Pixels, random: Random) -> Pixels:
    """Framed, with strokes no finer than a single digit has: framing thickens them."""
    grown = int(random.uniform(0, 0.05) * max(ink.shape)) | 1
    return framed(ndimage.grey_dilation(ink, size=(grown, grown)))
