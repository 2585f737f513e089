"""Pictures as people take them, with one of MNIST's digits or none: what reading is measured on."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import drawings
import file_formats
import hands
import numpy as np
import paper
import pens
import photographs
import scans
import screens
import scribbles
import sheets
import textures
from paper import Digit, Random
from PIL import Image

Kind = Callable[[Digit, Random], Image.Image]
BLANK = np.zeros((28, 28), np.uint8)

KINDS: dict[str, Kind] = {
    "enlarged": drawings.enlarged,
    "inverted": drawings.inverted,
    "shifted": drawings.shifted,
    "rotated": drawings.rotated,
    "cut to the ink": drawings.tight,
    "paper": paper.on_paper,
    "ruled paper": paper.on_ruled_paper,
    "photo": photographs.photo,
    "chalk": pens.chalk,
    "mouse": drawings.mouse,
    "alpha": file_formats.with_alpha,
    "bad JPEG": file_formats.jpeg,
    "EXIF": file_formats.turned_by_exif,
    "16 bits": file_formats.sixteen_bit,
    "light sheet, dark table": sheets.light_on_dark,
    "light sheet, cloth": sheets.light_on_cloth,
    "light sheet, light table": sheets.light_on_light,
    "dark card, light table": sheets.dark_on_light,
    "dark card, dark table": sheets.dark_on_dark,
    "table on 1 or 2 sides": sheets.at_the_edge,
    "table on 3 sides": sheets.on_three_sides,
    "dark card, transparent": sheets.dark_on_transparent,
    "light card, transparent": sheets.light_on_transparent,
    "turned scan": scans.turned_scan,
    "slivers at the edge": scans.slivers,
    "punched holes": scans.punched,
    "bad copy": scans.copied,
    "thick ink": pens.thick,
    "hard lines of 1 pixel": pens.hard_line,
    "fine lines": pens.fine_line,
    "two tones": pens.two_tones,
    "pencil": pens.pencil,
    "marker": pens.marker,
    "smeared chalk": pens.smeared_chalk,
    "colour on colour": pens.coloured,
    "flash": photographs.flash,
    "out of focus": photographs.defocused,
    "moved": photographs.moved,
    "shadow across": photographs.shadowed,
    "squared paper": photographs.squared,
    "ruled, red margin": photographs.ruled,
    "crumpled paper": photographs.crumpled,
    "from the side": photographs.perspective,
    "dark corners": photographs.vignetted,
    "dark screen": screens.dark_screen,
    "light screen": screens.light_screen,
    "screenshot": screens.screenshot,
}
WITHOUT_INK = (  # kinds that are also made without a digit
    *("inverted", "paper", "ruled paper", "photo", "chalk", "smeared chalk", "squared paper"),
    *("ruled, red margin", "shadow across", "flash", "crumpled paper", "slivers at the edge"),
    *("punched holes", "turned scan", "light sheet, dark table", "light sheet, cloth"),
    *("dark card, light table", "table on 1 or 2 sides", "dark screen", "light screen"),
)


def written(mark: Callable[[Random], Digit], random: Random) -> Image.Image:
    """Something that is no digit, written in one of the ways in which digits are."""
    ways = ("inverted", "paper", "photo", "chalk", "marker", "squared paper", "screenshot")
    ink = mark(random)
    return KINDS[ways[random.integers(len(ways))]](ink, random)


EMPTY: dict[str, Callable[[Random], Image.Image]] = {
    **{f"empty, {kind}": partial(KINDS[kind], BLANK) for kind in WITHOUT_INK},
    "empty, textures": textures.texture,
    "empty, noise": textures.noise,
    "empty, edges": textures.edges,
    "empty, hands": hands.hand,
    "empty, scribbles": partial(written, scribbles.scribble),
    "empty, shapes": partial(written, scribbles.shape),
    "empty, letters": partial(written, scribbles.letter),
}
JPEGS = {"photo", "EXIF"}


def pictures(digits: Iterable[Digit], kind: str, seed: int) -> Iterator[Image.Image]:
    """A picture of each digit, (28, 28) uint8; of a kind without one, a picture in its place."""
    random = np.random.default_rng(seed)
    for digit in digits:
        yield KINDS[kind](digit, random) if kind in KINDS else EMPTY[kind](random)


def write_pictures(digits: Iterable[Digit], kind: str, folder: Path, seed: int) -> list[Path]:
    """Save a picture of each digit as PNG or JPEG."""
    paths = []
    for i, picture in enumerate(pictures(digits, kind, seed)):
        paths.append(folder / f"{kind}-{i:04}.{'jpg' if kind in JPEGS else 'png'}")
        picture.save(paths[-1], exif=picture.getexif())
    return paths
