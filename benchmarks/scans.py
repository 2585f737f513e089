"""What a scanner leaves on a sheet."""

import numpy as np
from paper import SIDE, Digit, Field, Random, clouds, crisp, inked, picture, placed, seen, turned
from PIL import Image
from scipy import ndimage


def turned_scan(digit: Digit, random: Random) -> Image.Image:
    """A sheet turned by 2 to 10 degrees in the scanner; the corners are black, or white."""
    degrees = random.uniform(2, 10) * random.choice([-1, 1])
    corners = float(random.choice([0, 0, 25, 255]))
    cover = turned(np.ones((SIDE, SIDE)), degrees)[..., None].clip(0, 1)
    ink = turned(crisp(placed(digit, random), 9), degrees)
    paper = np.full((SIDE, SIDE, 3), random.uniform(205, 245)) + clouds(random, 1)[..., None]
    colour = [[25, 35, 110], [35, 35, 35]][random.integers(2)]
    scan = inked(paper, ink, colour) * cover + corners * (1 - cover)
    return picture(scan + random.normal(0, 1.5, scan.shape))


def slivers(digit: Digit, random: Random) -> Image.Image:
    """Strips of 2 to 8 pixels at the edges, darker than the paper, or of part of an edge only."""
    scan = scanned(digit, random)
    for turn in random.permutation(4)[: random.integers(1, 4)]:
        view = np.rot90(scan, turn)
        ends = (0, SIDE) if random.random() < 0.5 else np.sort(random.integers(0, SIDE, 2))
        view[: random.integers(2, 9), ends[0] : ends[1]] *= random.uniform(0, 0.65)
    return picture(ndimage.gaussian_filter(scan, (0.4, 0.4, 0)))


def punched(digit: Digit, random: Random) -> Image.Image:
    """Two to four round holes along one edge, dark or with their shadow alone."""
    scan = scanned(digit, random)
    holes = random.integers(2, 5)
    y, x = np.mgrid[:SIDE, :SIDE]
    depth, radius, first = random.uniform(20, 30), random.uniform(7, 11), random.uniform(20, 90)
    within = np.zeros((SIDE, SIDE))
    for i in range(holes):
        centre = first + i * (SIDE - 60) / holes
        within = np.maximum(within, (radius - np.hypot(y - depth, x - centre)).clip(0, 1))
    tone = scan.mean() - random.uniform(30, 190)
    part = np.rot90(within, int(random.integers(4)))[..., None]
    return picture(scan * (1 - part) + tone * part)


def copied(digit: Digit, random: Random) -> Image.Image:
    """A bad copy: specks, a grey band along the fold, hard black and white."""
    scan = scanned(digit, random)
    specks = clouds(random, 1) > random.uniform(3.2, 4.0)
    band = np.exp(-(((np.arange(SIDE) - random.choice([4, SIDE - 4])) / 12) ** 2))
    scan = scan * (1 - random.uniform(0.2, 0.7) * band[:, None])
    scan[specks] = 30
    return picture(235 / (1 + np.exp(-(scan - 140) / random.uniform(6, 25))) + 15)


def scanned(digit: Digit, random: Random) -> Field:
    """A sheet in a scanner's even light, (SIDE, SIDE, 3)."""
    paper = np.full((SIDE, SIDE, 3), random.uniform(205, 248)) + 1.5 * clouds(random, 1)[..., None]
    colour = [[25, 35, 110], [35, 35, 35], [90, 90, 95]][random.integers(3)]
    return np.array(seen(inked(paper, _middle(digit, random), colour), random, 1.5), np.float64)


def _middle(digit: Digit, random: Random) -> Field:
    """Ink that leaves the sheet's edge free, (SIDE, SIDE)."""
    side = int(random.integers(150, 280))
    sheet = Image.new("L", (SIDE, SIDE))
    large = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    x, y = random.integers(45, SIDE - side - 45, 2).tolist()
    sheet.paste(large, (x, y))
    return crisp(np.asarray(sheet) / 255, side / 28)
