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
import stationery
import textures
from paper import Digit, Random
from PIL import Image

Kind = Callable[[Digit, Random], Image.Image]
BLANK = np.zeros((28, 28), np.uint8)

GROUPS: dict[str, dict[str, Kind]] = {
    "drawings and files": {
        "enlarged": drawings.enlarged,
        "inverted": drawings.inverted,
        "shifted": drawings.shifted,
        "rotated": drawings.rotated,
        "cut to the ink": drawings.tight,
        "mouse": drawings.mouse,
        "hard lines of 1 pixel": pens.hard_line,
        "fine lines": pens.fine_line,
        "thick ink": pens.thick,
        "two tones": pens.two_tones,
        "alpha": file_formats.with_alpha,
        "dark card, transparent": sheets.dark_on_transparent,
        "light card, transparent": sheets.light_on_transparent,
        "bad JPEG": file_formats.jpeg,
        "EXIF": file_formats.turned_by_exif,
        "16 bits": file_formats.sixteen_bit,
    },
    "pens and paper": {
        "paper": paper.on_paper,
        "ruled paper": paper.on_ruled_paper,
        "ruled, red margin": stationery.ruled,
        "squared paper": stationery.squared,
        "crumpled paper": stationery.crumpled,
        "pencil": pens.pencil,
        "marker": pens.marker,
        "colour on colour": pens.coloured,
        "chalk": pens.chalk,
        "smeared chalk": pens.smeared_chalk,
    },
    "tables": {
        "light sheet, dark table": sheets.light_on_dark,
        "light sheet, cloth": sheets.light_on_cloth,
        "light sheet, light table": sheets.light_on_light,
        "dark card, light table": sheets.dark_on_light,
        "dark card, dark table": sheets.dark_on_dark,
        "table on 1 or 2 sides": sheets.at_the_edge,
        "table on 3 sides": sheets.on_three_sides,
    },
    "scans": {
        "turned scan": scans.turned_scan,
        "slivers at the edge": scans.slivers,
        "punched holes": scans.punched,
        "bad copy": scans.copied,
    },
    "photographs": {
        "photo": photographs.photo,
        "flash": photographs.flash,
        "shadow across": photographs.shadowed,
        "dark corners": photographs.vignetted,
        "from the side": photographs.perspective,
        "out of focus": photographs.defocused,
        "moved": photographs.moved,
    },
    "screens": {
        "screenshot": screens.screenshot,
        "dark screen": screens.dark_screen,
        "light screen": screens.light_screen,
    },
}
KINDS = {kind: make for group in GROUPS.values() for kind, make in group.items()}
WITHOUT_INK = {  # kinds that are also made without a digit
    "empty sheets": (
        *("inverted", "paper", "ruled paper", "ruled, red margin", "squared paper"),
        *("crumpled paper", "chalk", "smeared chalk", "turned scan", "slivers at the edge"),
        *("punched holes", "dark screen", "light screen"),
    ),
    "empty, shadows": ("photo", "shadow across", "flash"),
    "empty, tables": (
        *("light sheet, dark table", "light sheet, cloth", "light sheet, light table"),
        *("dark card, light table", "table on 1 or 2 sides"),
    ),
}


def written(mark: Callable[[Random], Digit], random: Random) -> Image.Image:
    """Something that is no digit, written in one of the ways in which digits are."""
    ways = ("inverted", "paper", "photo", "chalk", "marker", "squared paper", "screenshot")
    ink = mark(random)
    return KINDS[ways[random.integers(len(ways))]](ink, random)


EMPTY_GROUPS: dict[str, dict[str, Callable[[Random], Image.Image]]] = {
    **{
        group: {f"empty, {kind}": partial(KINDS[kind], BLANK) for kind in kinds}
        for group, kinds in WITHOUT_INK.items()
    },
    "textures and hands": {
        "empty, textures": textures.texture,
        "empty, noise": textures.noise,
        "empty, edges": textures.edges,
        "empty, hands": hands.hand,
    },
    "written, but no digit": {
        "empty, scribbles": partial(written, scribbles.scribble),
        "empty, shapes": partial(written, scribbles.shape),
        "empty, letters": partial(written, scribbles.letter),
    },
}
EMPTY = {kind: make for group in EMPTY_GROUPS.values() for kind, make in group.items()}
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
