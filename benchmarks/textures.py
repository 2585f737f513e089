"""Grounds to lay a sheet on, each (SIDE, SIDE, 3), 0 to 255."""

import numpy as np
from paper import SIDE, Field, Random, clouds, seen, slope
from PIL import Image
from scipy import ndimage


def plain(random: Random, tone: float) -> Field:
    """A smooth table of about that tone."""
    tint = random.uniform(0.85, 1, 3)
    field = tone * tint / tint.mean() + 0.06 * tone * slope(random)[..., None]
    return np.asarray(field + 1.5 * clouds(random, 2)[..., None])


def wood(random: Random, tone: float) -> Field:
    """Grain along one side, with rings and boards."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    across = y + 0.03 * clouds(random, (25, 90)) + 0.02 * np.sin(6 * x + random.uniform(0, 6))
    rings = np.sin(2 * np.pi * across * random.uniform(6, 18) + clouds(random, (20, 120)))
    grain = 0.08 * rings + 0.06 * clouds(random, (0.7, 25))
    board = random.uniform(90, 200)
    joint = np.abs((np.arange(SIDE) + random.uniform(0, board)) % board - board / 2) < 1.2
    field = tone * (1 + grain - 0.4 * joint[:, None])[..., None] * [1.2, 0.97, 0.75]
    return np.rot90(field, int(random.integers(2)))


def checked_cloth(random: Random, tone: float) -> Field:
    """Squares or stripes of two tones and their mean, woven."""
    pitch = int(random.integers(8, 50))
    y, x = (np.mgrid[:SIDE, :SIDE] // pitch) % 2
    pattern = (x + y) / 2 if random.random() < 0.6 else x.astype(float)
    contrast = random.uniform(0.25, 0.6) * random.choice([-1, 1])
    colour = random.uniform(0.6, 1.2, 3)
    field = tone * (1 + contrast * (pattern - 0.5))[..., None]
    tinted = field * (1 + (colour / colour.mean() - 1) * pattern[..., None])
    return np.asarray(tinted * weave(random)[..., None])


def cloth(random: Random, tone: float) -> Field:
    """Plain woven cloth with folds."""
    folds = 1 + 0.08 * clouds(random, (50, 20))
    tint = random.uniform(0.7, 1.1, 3)
    return np.asarray(tone * (weave(random) * folds)[..., None] * tint / tint.mean())


def weave(random: Random) -> Field:
    """Threads over and under each other, around 1."""
    y, x = np.mgrid[:SIDE, :SIDE] * (2 * np.pi / random.uniform(3, 8))
    return np.asarray(1 + 0.1 * np.sin(x) * np.sin(y) + 0.05 * clouds(random, 0.8))


def stone(random: Random, tone: float) -> Field:
    """Spots of several sizes."""
    spots = sum(share * clouds(random, size) for share, size in ((8, 1), (8, 4), (8, 15)))
    return np.asarray(tone + spots)[..., None] * random.uniform(0.93, 1.07, 3)


GROUNDS = (plain, wood, cloth, stone)


def texture(random: Random) -> Image.Image:
    """One of the grounds, alone, of any tone."""
    ground = (*GROUNDS, checked_cloth)[random.integers(len(GROUNDS) + 1)]
    return seen(ground(random, random.uniform(50, 210)), random)


def noise(random: Random) -> Image.Image:
    """Noise of one or two scales, weak or strong, in grey or colour."""
    layers = clouds(random, 10 ** random.uniform(-0.3, 1.6))
    if random.random() < 0.5:
        layers = (layers + clouds(random, 10 ** random.uniform(-0.3, 1.6))) / 2**0.5
    colour = 1 if random.random() < 0.5 else random.uniform(-1, 1, 3)
    values = random.uniform(70, 190) + random.uniform(8, 45) * layers[..., None] * colour
    return seen(values * np.ones(3), random)


def edges(random: Random) -> Image.Image:
    """Two or three things side by side: a table's edge, a wall above a floor."""
    scene = texture_field(random)
    for _ in range(random.integers(1, 3)):
        a, b, c = random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(-0.25, 0.25)
        y, x = np.mgrid[-0.5 : 0.5 : SIDE * 1j, -0.5 : 0.5 : SIDE * 1j]
        beyond = ((a * x + b * y) / np.hypot(a, b) > c).astype(float)
        part = ndimage.gaussian_filter(beyond, 0.7)[..., None]
        scene = scene * (1 - part) + texture_field(random) * part
    return seen(scene, random)


def texture_field(random: Random) -> Field:
    """One of the grounds, of any tone."""
    return GROUNDS[random.integers(len(GROUNDS))](random, random.uniform(40, 220))
