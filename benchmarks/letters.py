"""Letters, words, punctuation and symbols in the fonts that come with matplotlib."""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from framed import CANVAS, Pixels, Random, framed
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif"),
    *("DejaVuSerif-BoldItalic", "STIXGeneral", "STIXGeneralItalic", "cmr10", "cmti10", "cmtt10"),
)
# none that look like a digit in some hand, as O, l, Z, S, B, g, q, y or ?
LETTERS = "AEFHKMNPRTVWXdefhkmnprtuvwx"
FOREIGN = "ΓΔΛΞΠΣΨΩαλμπξψωЖИЛМПФШЩЫЭЮЯджишщюя"  # those that the first five fonts have
PUNCTUATION = '#*+=%@~^<"÷±≠≈∞…:;—¶†‡√∑∫≤≡'
SYMBOLS = "☀☁☂☃★☆☎☕☘☠☢☣☮☯☹☺♔♕♘♚♞♠♣♥♦♪♫♲♻⚐⚑⚒⚓⚔⚖⚙⚛✂✈✉✌✍✎✓✔✕✖✚✝✡✦✪✱✶❀❄❖❤➔➤⇐⇒⇔⌂⌘"


def letter(random: Random) -> Pixels:
    """A letter that looks like no digit, (28, 28)."""
    if random.random() < 0.3:
        return _printed(_one(FOREIGN, random), FONTS[random.integers(5)], random)
    return _printed(_one(LETTERS, random), FONTS[random.integers(len(FONTS))], random)


def word(random: Random) -> Pixels:
    """Two to five letters, (28, 28)."""
    letters = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    text = "".join(random.choice(letters, int(random.integers(2, 6))))
    return _printed(text, FONTS[random.integers(len(FONTS))], random)


def mark(random: Random) -> Pixels:
    """A punctuation mark or a sign of mathematics, (28, 28)."""
    return _printed(_one(PUNCTUATION, random), FONTS[random.integers(5)], random)


def symbol(random: Random) -> Pixels:
    """A pictogram, (28, 28)."""
    return _printed(_one(SYMBOLS, random), FONTS[random.integers(2)], random)


def _one(characters: str, random: Random) -> str:
    return characters[random.integers(len(characters))]


@cache
def _font(name: str) -> ImageFont.FreeTypeFont:
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    return ImageFont.truetype(str(folder / f"{name}.ttf"), 72)


def _printed(text: str, font: str, random: Random) -> Pixels:
    """Text slanted, turned and thickened a little."""
    left, top, right, bottom = _font(font).getbbox(text)
    size = int(right - left + 60), int(bottom - top + 60)
    image = Image.new("L", size)
    ImageDraw.Draw(image).text((30 - left, 30 - top), text, fill=255, font=_font(font))
    slant = random.uniform(-0.3, 0.3)
    shift = -slant * size[1] / 2
    affine = Image.Transform.AFFINE
    image = image.transform(size, affine, (1, slant, shift, 0, 1, 0), Image.Resampling.BICUBIC)
    image = image.rotate(random.uniform(-12, 12), Image.Resampling.BICUBIC)
    image.thumbnail((CANVAS, CANVAS))
    grown = 1 + int(random.integers(0, 7))
    return framed(ndimage.grey_dilation(np.asarray(image), size=(grown, grown)))
