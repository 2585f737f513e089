"""What people write with, and on."""

import numpy as np
from drawings import mouse, thinned
from paper import SIDE, Digit, Field, Random, clouds, crisp, inked, picture, placed, seen, slope
from PIL import Image
from scipy import ndimage

PAIRS = (  # ink and paper
    ([190, 30, 40], [245, 225, 100]),
    ([40, 60, 160], [245, 180, 200]),
    ([20, 90, 50], [180, 220, 170]),
    ([245, 240, 235], [40, 80, 160]),
    ([240, 220, 90], [30, 40, 90]),
    ([90, 50, 30], [195, 150, 105]),
    ([245, 245, 240], [175, 130, 90]),
    ([190, 40, 60], [140, 200, 145]),
    ([200, 80, 20], [160, 205, 240]),
    ([110, 40, 130], [240, 170, 70]),
    ([240, 90, 150], [35, 35, 40]),
)


def chalk(digit: Digit, random: Random) -> Image.Image:
    """Light on a dark board in uneven light."""
    coverage = placed(digit, random)
    board = (50 + 25 * slope(random))[..., None] * np.array([0.8, 1.0, 0.8])
    return picture(
        board
        + coverage[..., None] * (215 - board)
        + 5 * random.standard_normal((SIDE, SIDE, 1), np.float32)
    )


def smeared_chalk(digit: Digit, random: Random) -> Image.Image:
    """Chalk on a black, green or grey board with wiped writing, in grains."""
    tone = np.array([[38, 66, 50], [45, 48, 52], [70, 76, 80]][random.integers(3)])
    wiped = 3 * clouds(random, (4, 60)) + 10 * clouds(random, (20, 45)) + 5 * clouds(random, 8)
    board = tone + wiped[..., None] + 5 * slope(random)[..., None]
    grains = (0.85 + 0.22 * clouds(random, 1)).clip(0, 1)
    return seen(inked(board, placed(digit, random) * grains, [228, 228, 218]), random, 4)


def marker(digit: Digit, random: Random) -> Image.Image:
    """A broad felt pen of some colour, with streaks, on smooth paper or a whiteboard."""
    colours = [[25, 25, 30], [30, 60, 170], [200, 30, 40], [20, 120, 60], [120, 40, 140]]
    ink = broadened(crisp(placed(digit, random), 9), random.uniform(0, 6))
    streaks = (0.9 + 0.1 * clouds(random, (1, 14))).clip(0.55, 1)
    paper = np.full((SIDE, SIDE, 3), random.uniform(205, 245)) + 4 * clouds(random, 60)[..., None]
    return seen(inked(paper, ink * streaks, colours[random.integers(5)]), random, 4)


def pencil(digit: Digit, random: Random) -> Image.Image:
    """Faint and grey on rough paper; the lead misses the paper's hollows."""
    rough = clouds(random, 1.2)
    lead = crisp(placed(digit, random), 9) * (0.75 + 0.3 * rough).clip(0, 1)
    paper = random.uniform(200, 235) + 4 * rough[..., None] * np.ones(3)
    grey = paper.mean() - random.uniform(45, 100)
    return seen(inked(paper, lead, [grey, grey, grey + 4], 1), random, 4)


def two_tones(digit: Digit, random: Random) -> Image.Image:
    """A stroke whose one part is much lighter, as of a pen that runs dry."""
    ink = crisp(placed(digit, random), 9)
    rows, columns = ndimage.center_of_mass(ink) if ink.any() else (SIDE / 2, SIDE / 2)
    y, x = np.mgrid[:SIDE, :SIDE]
    angle = random.uniform(0, 2 * np.pi)
    beyond = np.cos(angle) * (x - columns) + np.sin(angle) * (y - rows)
    part = 1 / (1 + np.exp(-beyond / random.uniform(2, 25)))
    paper, dark = random.uniform(205, 255), random.uniform(0, 80)
    tone = dark + part * random.uniform(0.2, 0.65) * (paper - dark)
    grey = paper + ink * (tone - paper)
    return picture(np.repeat((grey + random.normal(0, 2, ink.shape))[..., None], 3, 2))


def coloured(digit: Digit, random: Random) -> Image.Image:
    """Coloured ink on coloured paper."""
    ink, paper = PAIRS[random.integers(len(PAIRS))]
    sheet = np.array(paper) + 4 * clouds(random, 1.5)[..., None]
    return seen(inked(sheet, crisp(placed(digit, random), 9), ink), random)


def hard_line(digit: Digit, random: Random) -> Image.Image:
    """Hard strokes of one pixel, in a picture of 100 to 300 pixels."""
    side = int(random.integers(100, 301))
    inner = int(side * random.uniform(0.7, 0.95))
    large = Image.fromarray(digit).resize((inner, inner), Image.Resampling.BICUBIC)
    smooth = ndimage.gaussian_filter(np.asarray(large, np.float64), inner / 70)
    sheet = np.zeros((side, side), bool)
    y, x = random.integers(0, side - inner + 1, 2)
    sheet[y : y + inner, x : x + inner] = thinned(smooth > 110)
    return Image.fromarray(np.where(sheet ^ (random.random() < 0.5), 255, 0).astype(np.uint8))


def fine_line(digit: Digit, random: Random) -> Image.Image:
    """Drawn by mouse, then made smaller: lines of less than a pixel or little more."""
    side = int(random.integers(60, 200))
    return mouse(digit, random).resize((side, side), Image.Resampling.LANCZOS)


def thick(digit: Digit, random: Random) -> Image.Image:
    """Ink so thick that it fills a fifth to half of the picture, dark on light or light on dark."""
    rows, columns = (np.flatnonzero((digit > 100).any(axis)) for axis in (1, 0))
    cut = Image.fromarray(digit).crop((columns[0] - 2, rows[0] - 2, columns[-1] + 3, rows[-1] + 3))
    width, height = (side * 10 for side in cut.size)
    ink = crisp(np.asarray(cut.resize((width, height), Image.Resampling.BICUBIC)) / 255, 10)
    ink = np.pad(ink, random.integers(8, 40, (2, 2)))
    share, thickest = random.uniform(0.2, 0.5), ink
    for pixels in range(2, 40, 2):
        if thickest.mean() >= share or loops(broadened(ink, pixels + 6)) != loops(ink):
            break
        thickest = broadened(ink, pixels)
    tones = random.uniform(0, 70), random.uniform(180, 255)
    ink_tone, ground = tones if random.random() < 0.7 else tones[::-1]
    grey = ground + thickest * (ink_tone - ground) + random.normal(0, 2, ink.shape)
    return Image.fromarray(grey.clip(0, 255).astype(np.uint8))


def broadened(ink: Field, pixels: float) -> Field:
    """Ink that reaches that many pixels further."""
    return np.asarray((pixels + 0.5 - ndimage.distance_transform_edt(ink < 0.5)).clip(0, 1))


def loops(ink: Field) -> int:
    """How many parts the ground has."""
    return int(ndimage.label(ink < 0.5)[1])
