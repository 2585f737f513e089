"""A sheet of pictures, each beside what the network saw of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mnist_lightning.data.pictures.decoding import ImageError
from mnist_lightning.data.pictures.framing import IMAGE_SIZE
from mnist_lightning.data.pictures.picture_dataset import PictureDataset
from mnist_lightning.errors import printable
from mnist_lightning.files import atomic_write

MOST = 60  # pictures on a sheet
COLUMNS = 3
SIDE = 5 * IMAGE_SIZE  # pixels of a picture, and of what the network saw
GAP = 8
LINE = 18  # pixels of a line of text
WIDTH, HEIGHT = 2 * SIDE + 3 * GAP, SIDE + 2 * LINE + 2 * GAP  # of a cell
FONT_SIZE = 13
BACKGROUND, ABSENT = 240, 225  # greys of the sheet, and of a picture that is no longer there


def draw_sheet(
    path: Path, pictures: PictureDataset, indices: Sequence[int], captions: Sequence[str]
) -> str:
    """Draw at most 60 of the pictures on a sheet, PNG, with file and caption below.

    Left is the picture in grey, right what the network saw, (28, 28), enlarged. ``captions`` are of
    all pictures. Gives the path, and how many are left out.
    """
    shown = indices[:MOST]
    columns = min(COLUMNS, len(shown))
    sheet = Image.new("L", (columns * WIDTH, -(-len(shown) // columns) * HEIGHT), BACKGROUND)
    for place, index in enumerate(shown):
        left, top = place % columns * WIDTH + GAP, place // columns * HEIGHT + GAP
        sheet.paste(_picture(pictures, index), (left, top))
        digit = pictures.digits[index]
        if digit is not None:
            seen = Image.fromarray(digit)
            size = SIDE, max(1, SIDE * seen.height // seen.width)  # several digits lie in a row
            sheet.paste(seen.resize(size, Image.Resampling.NEAREST), (left + SIDE + GAP, top))
        lines = [printable(pictures.files[index].name), captions[index]]
        _write(sheet, (left, top + SIDE), lines)
    with atomic_write(path) as draft:
        sheet.save(draft)
    rest = f" (the first {MOST} of {len(indices):,})" if len(indices) > MOST else ""
    return f"{printable(str(path))}{rest}"


def _picture(pictures: PictureDataset, index: int) -> Image.Image:
    """Picture in grey on a square; the square alone where it cannot be read."""
    square = Image.new("L", (SIDE, SIDE), ABSENT)
    try:
        grey = pictures.read(index)
    except ImageError:
        return square
    image = Image.fromarray((255 * grey).astype(np.uint8))
    image.thumbnail((SIDE, SIDE))
    square.paste(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2))
    return square


def _write(sheet: Image.Image, place: tuple[int, int], lines: Sequence[str]) -> None:
    font = ImageFont.load_default(FONT_SIZE)
    for number, line in enumerate(lines):
        # Pillow's own font has no other scripts
        text = line.encode("latin-1", "backslashreplace").decode("latin-1")
        cut = 0
        while font.getlength(text[cut:]) > 2 * SIDE:  # the end of a name tells most
            cut += 1
        where = (place[0], place[1] + number * LINE + 2)
        ImageDraw.Draw(sheet).text(where, text[cut:], 0, font)
