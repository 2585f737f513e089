"""Sheets photographed with a telephone: light, lens, hand and the paper itself."""

import numpy as np
from paper import (
    SIDE,
    Digit,
    Field,
    Random,
    clouds,
    crisp,
    inked,
    photographed,
    picture,
    placed,
    seen,
)
from PIL import Image, ImageFilter
from scipy.signal import fftconvolve

INKS = ([20, 30, 110], [30, 30, 35], [60, 60, 65], [150, 30, 45])


def photo(digit: Digit, random: Random) -> Image.Image:
    """Taken with a telephone: askew, blurred, a shadow across, the table at one edge."""
    coverage = askew(placed(digit, random), random, 25)
    values = np.asarray(photographed(coverage, [30, 30, 60], random)).astype(float)
    y, x = np.mgrid[:SIDE, :SIDE]
    across = x * random.uniform(0.4, 1) + y * random.uniform(-1, 1) - SIDE / 2
    values *= (1 - 0.35 / (1 + np.exp(-across / random.uniform(3, 20))))[..., None]
    values[: int(random.integers(0, 16))] = [70, 45, 30]
    return picture(values).filter(ImageFilter.GaussianBlur(random.uniform(0.5, 1.5)))


def flash(digit: Digit, random: Random) -> Image.Image:
    """In the dark, with a flash: a bright spot, dim corners, or a reflection on smooth paper."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    away = (x - random.uniform(-0.6, 0.6)) ** 2 + (y - random.uniform(-0.6, 0.6)) ** 2
    light = random.uniform(0.35, 0.7) + random.uniform(0.5, 0.8) * np.exp(-away / 0.5)
    glare = random.uniform(0, 90) * np.exp(-away / random.uniform(0.03, 0.12))
    return seen(written(digit, random) * light[..., None] + glare[..., None], random)


def vignetted(digit: Digit, random: Random) -> Image.Image:
    """Corners that the lens darkens, by up to three quarters."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    light = 1 - random.uniform(0.3, 0.75) * ((x * x + y * y) / 2) ** random.uniform(0.8, 2)
    return seen(written(digit, random) * light[..., None], random)


def defocused(digit: Digit, random: Random) -> Image.Image:
    """Out of focus: each point a disc of up to a thirtieth of the picture."""
    radius = random.uniform(3, 13)
    y, x = np.mgrid[-14:15, -14:15]
    disc = (radius + 0.5 - np.hypot(y, x)).clip(0, 1)
    return seen(_spread(written(digit, random), disc), random)


def moved(digit: Digit, random: Random) -> Image.Image:
    """The hand moved: each point a line of up to a fourteenth of the picture."""
    length, angle = random.uniform(6, 28), random.uniform(0, np.pi)
    line = np.zeros((29, 29))
    for step in np.linspace(-length / 2, length / 2, 60):
        line[round(14 + step * np.sin(angle)), round(14 + step * np.cos(angle))] = 1
    return seen(_spread(written(digit, random), line), random)


def shadowed(digit: Digit, random: Random) -> Image.Image:
    """The shadow of a hand or of the telephone lies across, hard or soft, of one or two edges."""
    return seen(written(digit, random) * shadow(random)[..., None], random)


def perspective(digit: Digit, random: Random) -> Image.Image:
    """From the side: one edge much nearer than the other."""
    ink = crisp(askew(placed(digit, random), random, 70), 9)
    return seen(inked(plain_paper(random), ink, INKS[random.integers(4)]), random)


def written(digit: Digit, random: Random) -> Field:
    """A sheet with ink, (SIDE, SIDE, 3), in even light."""
    return inked(plain_paper(random), crisp(placed(digit, random), 9), INKS[random.integers(4)])


def shadow(random: Random) -> Field:
    """How much light is left of 1, (SIDE, SIDE)."""
    light = np.ones((SIDE, SIDE))
    y, x = np.mgrid[-0.5 : 0.5 : SIDE * 1j, -0.5 : 0.5 : SIDE * 1j]
    for _ in range(random.integers(1, 3)):
        angle, bend = random.uniform(0, 2 * np.pi), random.uniform(-1, 1)
        u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
        beyond = u + bend * v * v - random.uniform(-0.3, 0.3)
        dark = 1 / (1 + np.exp(-beyond / random.uniform(0.004, 0.06)))
        light *= 1 - random.uniform(0.2, 0.55) * dark
    return light


def askew(coverage: Field, random: Random, pixels: float) -> Field:
    """Its corners moved by up to so many pixels."""
    corners = np.array([[0, 0], [0, SIDE], [SIDE, SIDE], [SIDE, 0]])
    moved_to = tuple((corners + random.uniform(-pixels, pixels, (4, 2))).ravel())
    field = Image.fromarray(coverage.astype(np.float32))
    size = (SIDE, SIDE)
    return np.asarray(
        field.transform(size, Image.Transform.QUAD, moved_to, Image.Resampling.BICUBIC), np.float64
    )


def plain_paper(random: Random) -> Field:
    """Smooth or rough, white, bluish or yellowish, (SIDE, SIDE, 3)."""
    tint = np.array([[1, 0.99, 0.95], [0.93, 0.97, 1], [1, 0.95, 0.85]][random.integers(3)])
    fibre = random.uniform(1, 6) * clouds(random, 1.5)
    return np.asarray((random.uniform(185, 235) + fibre)[..., None] * tint)


def _spread(values: Field, point: Field) -> Field:
    kernel = point / point.sum()
    padded = np.pad(values, ((14, 14), (14, 14), (0, 0)), "edge")
    return np.asarray(fftconvolve(padded, kernel[..., None], "valid", axes=(0, 1)))
