"""Figures drawn with straight pens: hands, polygons, doodles, lines and grids."""

import numpy as np
from framed import CANVAS, Pixels, Random, framed
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

MIDDLE = CANVAS / 2


def hand(random: Random) -> Pixels:
    """The silhouette of a hand with some fingers out, its outline, or parts of it, (28, 28)."""
    image = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(image)
    palm, lean = random.uniform(15, 24), random.uniform(-0.5, 0.5)
    x, y = MIDDLE + random.uniform(-8, 8), 76.0
    pen.ellipse([x - palm, y - 1.15 * palm, x + palm, y + 1.15 * palm], fill=255)
    if random.random() < 0.6:
        pen.line([x, y, x - 60 * np.sin(lean), 125], fill=255, width=int(palm * 1.3))
    spread = random.uniform(0.15, 0.45)
    # others are folded; a palm with one finger in outline would be a 9
    for finger in random.permutation(5)[: random.integers(3, 6)]:
        angle = lean + spread * (finger - 2) + (0.35 if finger == 4 else 0)
        reach = random.uniform(1.5, 2.7) * palm * (0.75 if finger in (0, 4) else 1)
        _limb(pen, (x, y), angle, reach, palm * random.uniform(0.3, 0.5))
    image = image.rotate(random.uniform(-180, 180), Image.Resampling.BICUBIC)
    return framed(_shaded(_outlined(np.asarray(image), random), random))


def _limb(
    pen: ImageDraw.ImageDraw, start: tuple[float, float], angle: float, reach: float, width: float
) -> None:
    x, y = start[0] + reach * np.sin(angle), start[1] - reach * np.cos(angle)
    pen.line([*start, x, y], fill=255, width=int(width))
    half = width / 2
    pen.ellipse([x - half, y - half, x + half, y + half], fill=255)


def _outlined(ink: Pixels, random: Random) -> Pixels:
    """The ink, or in half of the cases its outline."""
    if random.random() < 0.5:
        return ink
    width = int(random.integers(5, 10)) | 1
    inner = ndimage.grey_erosion(ink, size=(width, width))
    return np.where(inner > 128, 0, ink).astype(np.uint8)


def _shaded(ink: Pixels, random: Random) -> Pixels:
    """Parts taken away, as a threshold takes what light falls on, in half of the cases."""
    if random.random() < 0.5:
        return ink
    light = ndimage.gaussian_filter(random.standard_normal(ink.shape), random.uniform(3, 12))
    return np.where(light / light.std() > random.uniform(0.3, 1.2), 0, ink).astype(np.uint8)


def polygon(random: Random) -> Pixels:
    """A polygon or star, filled or drawn, or a filled arrow, cross or triangle, (28, 28)."""
    corners = int(random.integers(3, 9))
    angles = 2 * np.pi * (np.arange(corners) + random.uniform(-0.25, 0.25, corners)) / corners
    radii = random.uniform(35, 55, corners)
    if corners > 5:  # a star
        radii *= np.where(np.arange(corners) % 2, random.uniform(0.3, 0.5), 1)
    angles += random.uniform(0, 2 * np.pi)
    points = _around(angles, radii)
    image = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(image)
    # drawn with more than five corners it may look like a 0
    if random.random() < 0.5 or corners == 5:
        pen.polygon(points, fill=255)
    else:
        width = int(random.integers(7, 15))
        pen.line([*points, points[0], points[1]], fill=255, width=width, joint="curve")
    return framed(np.asarray(image))


def _around(angles: NDArray[np.float64], radii: NDArray[np.float64]) -> list[tuple[float, float]]:
    x, y = MIDDLE + radii * np.cos(angles), MIDDLE + radii * np.sin(angles)
    return [*zip(x.tolist(), y.tolist(), strict=True)]


def lines(random: Random) -> Pixels:
    """Two to seven parallel lines, or one lying, (28, 28)."""
    count = int(random.choice([1, 2, 2, 3, 3, 4, 5, 6, 7]))
    image = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(image)
    gap, width = CANVAS / (count + 1), random.uniform(7, 18)
    width = int(min(width, 0.6 * gap))
    for i in range(count):
        y = gap * (i + 1) + random.uniform(-3, 3)
        ends = random.uniform(2, 20, 2)
        pen.line([ends[0], y, CANVAS - ends[1], y + random.uniform(-4, 4)], fill=255, width=width)
    turn = random.uniform(-30, 30) if count == 1 else random.uniform(-90, 90)
    return framed(np.asarray(image.rotate(turn, Image.Resampling.BICUBIC)))


def grid(random: Random) -> Pixels:
    """A grid of two lines or more each way, cut out or whole, (28, 28)."""
    image = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(image)
    pitch, width = random.uniform(20, 45, 2), int(random.integers(4, 12))
    for axis in (0, 1):
        for place in np.arange(random.uniform(4, 14), CANVAS - 4, pitch[axis]):
            ends = [place, 4, place, CANVAS - 4] if axis else [4, place, CANVAS - 4, place]
            pen.line([float(end) for end in ends], fill=255, width=width)
    return framed(np.asarray(image.rotate(random.uniform(-40, 40), Image.Resampling.BICUBIC)))


def doodle(random: Random) -> Pixels:
    """A face, a sun, a flower, a stick man or a house, (28, 28)."""
    image = Image.new("L", (CANVAS, CANVAS))
    pen = ImageDraw.Draw(image)
    width = int(random.integers(6, 11))
    for shape, points in DOODLES[random.integers(len(DOODLES))]:
        moved = np.array(points, float) + random.uniform(-3, 3, len(points))
        scaled = [float(value) for value in 4 + 1.12 * moved]
        if shape == "line":
            pen.line(scaled, fill=255, width=width, joint="curve")
        else:
            left, top, right, bottom = scaled
            pen.ellipse([left, top, right, bottom], outline=255, width=width)
    turned = image.rotate(random.uniform(-15, 15), Image.Resampling.BICUBIC)
    return framed(np.asarray(turned.filter(ImageFilter.GaussianBlur(1))))


Shape = tuple[str, tuple[int, ...]]
DOODLES: tuple[tuple[Shape, ...], ...] = (
    (
        ("ellipse", (8, 8, 92, 92)),
        ("ellipse", (30, 30, 40, 40)),
        ("ellipse", (60, 30, 70, 40)),
        ("line", (28, 62, 40, 74, 60, 74, 72, 62)),
    ),
    (
        ("ellipse", (30, 30, 70, 70)),
        *(
            ("line", tuple(int(50 + r * t) for r in (30, 48) for t in (np.cos(a), np.sin(a))))
            for a in np.arange(8) * np.pi / 4
        ),
    ),
    (
        ("ellipse", (38, 4, 62, 28)),
        ("line", (50, 28, 50, 65)),
        ("line", (22, 42, 78, 42)),
        ("line", (28, 96, 50, 65, 72, 96)),
    ),
    (
        ("line", (20, 45, 80, 45, 80, 95, 20, 95, 20, 45, 50, 8, 80, 45)),
        ("line", (42, 95, 42, 68, 58, 68, 58, 95)),
    ),
    (
        ("ellipse", (38, 22, 62, 46)),
        ("ellipse", (20, 10, 44, 34)),
        ("ellipse", (56, 10, 80, 34)),
        ("ellipse", (24, 36, 48, 60)),
        ("ellipse", (54, 36, 78, 60)),
        ("line", (50, 50, 50, 96)),
    ),
)
