"""A sheet or a card that does not fill the picture: what it lies on shows around it."""

from collections.abc import Callable

import numpy as np
from paper import SIDE, Digit, Field, Random, clouds, crisp, inked, picture, seen
from PIL import Image
from scipy import ndimage
from textures import GROUNDS, checked_cloth, cloth

Ground = Callable[[Random, float], Field]
LIGHT, DARK = (200, 248), (15, 70)  # tones
OFF = 0.27  # how far a sheet's middle is from the picture's, of its side
SIDES = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1))


def light_on_dark(digit: Digit, random: Random) -> Image.Image:
    """A light sheet on a dark table or cloth."""
    return laid(digit, random, random.uniform(*LIGHT), ground(random, random.uniform(20, 110)))


def light_on_cloth(digit: Digit, random: Random) -> Image.Image:
    """A light sheet on a checked or woven cloth."""
    kind = checked_cloth if random.random() < 0.7 else cloth
    return laid(digit, random, random.uniform(*LIGHT), kind(random, random.uniform(60, 190)))


def light_on_light(digit: Digit, random: Random) -> Image.Image:
    """A light sheet on a table that is a little darker or lighter."""
    tone = random.uniform(185, 235)
    other = tone + random.uniform(15, 45) * random.choice([-1, -1, 1])
    return laid(digit, random, tone, ground(random, min(other, 250)))


def dark_on_light(digit: Digit, random: Random) -> Image.Image:
    """A dark card with light ink on a light table."""
    return laid(digit, random, random.uniform(*DARK), ground(random, random.uniform(150, 235)))


def dark_on_dark(digit: Digit, random: Random) -> Image.Image:
    """A dark card with light ink on a table that is a little lighter."""
    tone = random.uniform(*DARK)
    return laid(digit, random, tone, ground(random, tone + random.uniform(20, 60)))


def at_the_edge(digit: Digit, random: Random) -> Image.Image:
    """A sheet whose table shows on one or two sides alone; any two tones."""
    tone, table = random.uniform(190, 245), random.uniform(25, 165)
    if random.random() < 0.3:
        tone, table = random.uniform(*DARK), random.uniform(130, 230)
    side = SIDES[random.integers(len(SIDES))]
    return laid(digit, random, tone, ground(random, table), side)


def on_three_sides(digit: Digit, random: Random) -> Image.Image:
    """A sheet that reaches out of the picture on one side."""
    tone, table = random.uniform(190, 245), random.uniform(25, 165)
    side = SIDES[random.integers(4)]
    return laid(digit, random, tone, ground(random, table), side, 0.72)


def transparent(digit: Digit, random: Random, tones: tuple[int, int]) -> Image.Image:
    """A card on a canvas that is transparent: 0.2 to 0.9 of it is card, anywhere."""
    tone = random.uniform(*tones)
    card = crisp_card(digit, random, int(SIDE * random.uniform(0.45, 0.92)), tone)
    canvas = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0) if random.random() < 0.7 else "#fff0")
    room = SIDE - card.shape[0]
    place = (int(random.integers(room + 1)), int(random.integers(room + 1)))
    canvas.paste(picture(card), place)
    return canvas


def dark_on_transparent(digit: Digit, random: Random) -> Image.Image:
    """A dark card with a light digit on a transparent canvas."""
    return transparent(digit, random, (0, 60))


def light_on_transparent(digit: Digit, random: Random) -> Image.Image:
    """A light card with a dark digit on a transparent canvas."""
    return transparent(digit, random, (200, 255))


def ground(random: Random, tone: float) -> Field:
    """What is under the sheet."""
    return GROUNDS[random.integers(len(GROUNDS))](random, tone)


def laid(
    digit: Digit,
    random: Random,
    tone: float,
    table: Field,
    side: tuple[int, int] = (0, 0),
    size: float = 0,
) -> Image.Image:
    """A sheet of that tone, turned by up to 30 degrees, on the table or out of it to one side.

    The sheet's turn is the camera's affair; people write and photograph so that the digit itself
    stands upright, to 8 degrees.
    """
    wide = int(SIDE * (size or random.uniform(0.5, 0.72) + 0.55 * any(side)))
    degrees = random.uniform(-30, 30) if not any(side) else random.uniform(-8, 8)
    visible = min(wide, int((0.5 - OFF) * SIDE + wide / 2)) if any(side) else wide
    upright = crisp_card(digit, random, int(0.68 * visible), tone, random.uniform(-8, 8) - degrees)
    sheet = np.full((wide, wide, 3), 1.0) * upright[0, 0]
    x, y = ((wide - len(upright) + (visible - wide) * np.array(side)) / 2).astype(int)
    sheet[y : y + len(upright), x : x + len(upright)] = upright
    shape = picture(sheet)
    shape.putalpha(255)
    lying = shape.rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    off = OFF * SIDE if any(side) else max(SIDE - lying.width, 0) / 2
    middle = SIDE / 2 + np.array(side) * off + (0 if any(side) else random.uniform(-off, off, 2))
    return _composed(lying, middle, table, random)


def crisp_card(digit: Digit, random: Random, side: int, tone: float, degrees: float = 0.0) -> Field:
    """A square of one tone with ink of the other kind, (side, side, 3)."""
    inner = int(side * random.uniform(0.6, 0.9))
    large = Image.fromarray(digit).resize((inner, inner), Image.Resampling.BICUBIC)
    card = Image.new("L", (side, side))
    x, y = random.integers(0, side - inner + 1, 2).tolist()
    card.paste(large, (x, y))
    turned = np.asarray(card.rotate(degrees, Image.Resampling.BICUBIC)) / 255
    colours = [[20, 25, 100], [30, 30, 30], [150, 30, 40]] if tone > 128 else [[235, 235, 230]]
    paper = np.full((side, side, 3), tone) * np.array([1, 0.99, 0.96])
    return inked(paper, crisp(turned, inner / 28), colours[random.integers(len(colours))])


def _composed(lying: Image.Image, middle: Field, table: Field, random: Random) -> Image.Image:
    """The sheet with its shadow on the table, its middle there."""
    corner = (int(middle[0] - lying.width / 2), int(middle[1] - lying.height / 2))
    canvas = Image.new("RGBA", (SIDE, SIDE))
    canvas.paste(lying, corner)
    values = np.asarray(canvas, np.float64)
    cover = values[..., 3:] / 255
    away = tuple(random.integers(-3, 4, 2))
    shadow = ndimage.gaussian_filter(np.roll(cover[..., 0], away, (0, 1)), random.uniform(2, 6))
    dimmed = table * (1 - random.uniform(0, 0.35) * shadow[..., None])
    fibre = 2.5 * clouds(random, 1.2)[..., None]
    scene = dimmed * (1 - cover) + (values[..., :3] + fibre) * cover
    return seen(ndimage.gaussian_filter(scene, (0.6, 0.6, 0)), random, 4)
