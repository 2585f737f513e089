"""Paper that is not plain: squared, ruled, crumpled."""

import numpy as np
from paper import SIDE, Digit, Field, Random, clouds, crisp, inked, placed, seen
from photographs import INKS, plain_paper
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree


def squared(digit: Digit, random: Random) -> Image.Image:
    """Squared paper, with lines in blue or grey, close or wide."""
    ink = placed(digit, random)
    pitch = random.uniform(14, 45)
    lines = ruling(random, pitch, 0) + ruling(random, pitch, 1)
    return _lined(ink, lines.clip(0, 1), random)


def ruled(digit: Digit, random: Random) -> Image.Image:
    """Ruled paper with a red margin."""
    ink = placed(digit, random)
    lines = ruling(random, random.uniform(28, 80), 0)
    margin = np.zeros((SIDE, SIDE))
    at = int(random.integers(15, 90))
    margin[:, at : at + int(random.integers(2, 4))] = 1
    if random.random() < 0.3:
        margin = margin[:, ::-1]
    return _lined(ink, lines, random, margin)


def crumpled(digit: Digit, random: Random) -> Image.Image:
    """Paper that was crumpled: facets that look to the light or away, creases between them."""
    ink = _warped(placed(digit, random), random)
    paper = 215 * creased(random)[..., None] * np.array([1, 0.99, 0.95])
    return seen(inked(paper, crisp(ink, 9), INKS[random.integers(4)]), random)


def ruling(random: Random, pitch: float, axis: int) -> Field:
    """Lines that far apart, nearly along the rows or the columns, (SIDE, SIDE)."""
    places = np.indices((SIDE, SIDE))
    slant = random.uniform(-0.03, 0.03)
    along = places[axis] + slant * places[1 - axis] + random.uniform(0, pitch)
    return np.asarray((1.2 - np.abs((along % pitch) - pitch / 2)).clip(0, 1))


def creased(random: Random) -> Field:
    """Light on crumpled paper, around 1, (SIDE, SIDE)."""
    count = int(random.integers(8, 30))
    points = random.uniform(-50, SIDE + 50, (count, 2))
    y, x = np.mgrid[:SIDE, :SIDE]
    bent = np.stack([y, x], -1) + 6 * np.stack([clouds(random, 12), clouds(random, 12)], -1)
    away, near = cKDTree(points).query(bent, k=2)
    facets = ndimage.gaussian_filter(1 + random.normal(0, 0.05, count)[near[..., 0]], 3)
    strength = random.uniform(0.05, 0.25) * (clouds(random, 30) / 1.5).clip(-1, 1)
    crease = np.exp(-(away[..., 1] - away[..., 0]) / random.uniform(1.5, 4))
    return np.asarray(facets * (1 + 0.04 * clouds(random, 30)) * (1 + strength * crease))


def _lined(ink: Field, lines: Field, random: Random, margin: Field | None = None) -> Image.Image:
    colour = [[90, 130, 200], [150, 150, 155], [120, 170, 180]][random.integers(3)]
    paper = inked(plain_paper(random), lines, colour, random.uniform(0.4, 0.9))
    if margin is not None:
        paper = inked(paper, margin, [215, 70, 80], 0.8)
    scene = inked(paper, crisp(ink, 9), INKS[random.integers(4)])
    return seen(ndimage.gaussian_filter(scene, (0.7, 0.7, 0)), random)


def _warped(coverage: Field, random: Random) -> Field:
    wander = np.stack([clouds(random, 30), clouds(random, 30)]) * 4
    return np.asarray(ndimage.map_coordinates(coverage, np.indices((SIDE, SIDE)) + wander, order=1))
