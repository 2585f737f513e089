"""Paper with ink on it, in uneven light, as a camera sees it: what other kinds are made of."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Digit = NDArray[np.uint8]  # (28, 28), light on dark
Random = np.random.Generator
Field = NDArray[np.float64]  # (height, width) or (height, width, 3)
SIDE = 400  # pixels


def on_paper(digit: Digit, random: Random) -> Image.Image:
    """Blue or black ink on rough paper in uneven light, with a camera's noise."""
    colour = random.choice([[20, 30, 110], [30, 30, 30], [90, 40, 30]])
    return photographed(placed(digit, random), colour, random)


def on_ruled_paper(digit: Digit, random: Random) -> Image.Image:
    """The same on ruled or squared paper."""
    coverage = placed(digit, random)
    lines = np.zeros((SIDE, SIDE))
    pitch, start = int(random.integers(35, 70)), int(random.integers(30))
    lines[start::pitch] = lines[start + 1 :: pitch] = 1
    if random.random() < 0.5:
        lines[:, start::pitch] = lines[:, start + 1 :: pitch] = 1
    faint = 0.35 * turned(lines, random.uniform(-1, 1))
    return photographed(np.maximum(coverage, faint), [25, 30, 90], random)


def placed(digit: Digit, random: Random) -> Field:
    """How much of each pixel of a sheet, (SIDE, SIDE), is inked: 0 to 1."""
    sheet = Image.new("L", (SIDE, SIDE))
    side = int(random.integers(180, 330))
    place = (int(random.integers(20, SIDE - side - 20)), int(random.integers(20, SIDE - side - 20)))
    sheet.paste(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC), place)
    return np.asarray(sheet) / 255


def crisp(coverage: Field, pixel: float) -> Field:
    """Ink with the edge of a pen, where MNIST's pixels are `pixel` pixels wide."""
    return np.asarray(((coverage - 0.35) * max(pixel / 3, 1) + 0.5).clip(0, 1))


def slope(random: Random, shape: tuple[int, int] = (SIDE, SIDE)) -> Field:
    """Uneven light: a slope and a bulge, about -1 to 1."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    a, b, c = random.uniform(-0.6, 0.6, 3)
    return np.asarray(a * x + b * y + c * (x * x + y * y - 1))


def clouds(
    random: Random, size: float | tuple[float, float], shape: tuple[int, int] = (SIDE, SIDE)
) -> Field:
    """Smooth noise of mean 0 and standard deviation 1, its spots `size` pixels large."""
    sizes = np.broadcast_to(size, 2)
    steps = np.maximum(sizes / 4, 1)  # large spots are made small and enlarged
    few = np.ceil(np.array(shape) / steps).astype(int)
    small = ndimage.gaussian_filter(random.standard_normal(few, np.float32), sizes / steps)
    large = Image.fromarray(small).resize(shape[::-1], Image.Resampling.BICUBIC)
    field = np.asarray(large, np.float64)
    return np.asarray((field - field.mean()) / field.std())


def turned(field: Field, degrees: float) -> Field:
    """A field turned around its middle, 0 outside."""
    picture = Image.fromarray(field.astype(np.float32))
    return np.asarray(picture.rotate(degrees, Image.Resampling.BICUBIC), np.float64)


def photographed(coverage: Field, colour: list[int], random: Random) -> Image.Image:
    """Rough paper with ink of that colour, in uneven light."""
    fibre = ndimage.gaussian_filter(random.standard_normal((SIDE, SIDE), np.float32), 1.5) * 12
    light = (190 + 45 * slope(random) + fibre)[..., None] * np.array([1.0, 0.98, 0.92])
    ink = light * (np.array(colour) / 255 + 0.05)
    noise = 6 * random.standard_normal((SIDE, SIDE, 3), np.float32)
    return picture(light + 0.9 * coverage[..., None] * (ink - light) + noise)


def inked(paper: Field, coverage: Field, colour: list[int], opacity: float = 0.9) -> Field:
    """Paper, (height, width, 3), with ink where coverage says so."""
    return paper + opacity * coverage[..., None] * (np.array(colour) - paper)


def picture(values: Field) -> Image.Image:
    """Values in 0 to 255, (height, width, 3), as a picture."""
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def seen(values: Field, random: Random, noise: float = 5) -> Image.Image:
    """A scene as a camera sees it: light that is uneven, and noise."""
    light = 1 + random.uniform(0.05, 0.2) * slope(random, (values.shape[0], values.shape[1]))
    return picture(
        values * light[..., None] + noise * random.standard_normal(values.shape, np.float32)
    )
