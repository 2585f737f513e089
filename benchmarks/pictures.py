"""Pictures of digits as people take them, made of MNIST's: what reading them is measured on."""

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

Digit = NDArray[np.uint8]
Random = np.random.Generator
SIDE = 400  # pixels
EXIF_ORIENTATION = 0x0112
# how the sensor saw a scene that EXIF's orientation tells to turn
TURNS = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}
NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def enlarged(digit: Digit, random: Random) -> Image.Image:
    """Light on dark as in MNIST, 280 pixels wide."""
    return Image.fromarray(digit).resize((280, 280), Image.Resampling.BICUBIC)


def inverted(digit: Digit, random: Random) -> Image.Image:
    """Dark on light."""
    return Image.fromarray(255 - np.asarray(enlarged(digit, random)))


def shifted(digit: Digit, random: Random) -> Image.Image:
    """A small dark digit anywhere on a large white sheet."""
    sheet = Image.new("L", (900, 600), "white")
    side = int(random.integers(90, 300))
    ink = inverted(digit, random).resize((side, side))
    sheet.paste(ink, (int(random.integers(900 - side)), int(random.integers(600 - side))))
    return sheet


def rotated(digit: Digit, random: Random) -> Image.Image:
    """Turned by up to 12 degrees."""
    turned = enlarged(digit, random).rotate(random.uniform(-12, 12), Image.Resampling.BICUBIC)
    return Image.fromarray(255 - np.asarray(turned))


def on_paper(digit: Digit, random: Random) -> Image.Image:
    """Blue or black ink on rough paper in uneven light, with a camera's noise."""
    colour = random.choice([[20, 30, 110], [30, 30, 30], [90, 40, 30]])
    return _photo(_sheet(digit, random), colour, random)


def on_ruled_paper(digit: Digit, random: Random) -> Image.Image:
    """The same on ruled or squared paper."""
    coverage = _sheet(digit, random)
    lines = np.zeros((SIDE, SIDE))
    pitch, start = int(random.integers(35, 70)), int(random.integers(30))
    lines[start::pitch] = lines[start + 1 :: pitch] = 1
    if random.random() < 0.5:
        lines[:, start::pitch] = lines[:, start + 1 :: pitch] = 1
    turned = Image.fromarray(lines.astype(np.float32)).rotate(
        random.uniform(-1, 1), Image.Resampling.BICUBIC
    )
    faint = 0.35 * np.asarray(turned)
    return _photo(np.maximum(coverage, faint), [25, 30, 90], random)


def chalk(digit: Digit, random: Random) -> Image.Image:
    """Light on a dark board in uneven light."""
    coverage = _sheet(digit, random)
    board = (50 + 25 * _slope(random))[..., None] * np.array([0.8, 1.0, 0.8])
    picture = (
        board
        + coverage[..., None] * (215 - board)
        + 5 * random.standard_normal((SIDE, SIDE, 1), np.float32)
    )
    return _colour(picture)


def mouse(digit: Digit, random: Random) -> Image.Image:
    """The middle line of the digit, drawn anew with a thin round pen, a little unsteadily."""
    scale = 4
    large = np.asarray(Image.fromarray(digit).resize((28 * scale,) * 2, Image.Resampling.BICUBIC))
    wander = ndimage.gaussian_filter(random.normal(0, 1, (2, 112, 112)), (0, 8, 8)) * 25
    line = {(y, x) for y, x in zip(*np.nonzero(thinned(large > 110)), strict=True)}
    place = {(y, x): (3 * (x + wander[0, y, x]), 3 * (y + wander[1, y, x])) for y, x in line}
    sheet = Image.new("L", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(sheet)
    width = int(random.integers(2, 12))
    for (y, x), (across, down) in place.items():
        for other in ((y + dy, x + dx) for dy, dx in NEIGHBOURS if (y + dy, x + dx) in place):
            pen.line([(across, down), place[other]], fill="black", width=width)
        half = width / 2
        pen.ellipse([across - half, down - half, across + half, down + half], fill="black")
    return sheet


def with_alpha(digit: Digit, random: Random) -> Image.Image:
    """Ink, dark or light, on nothing."""
    alpha = enlarged(digit, random)
    ink = Image.new("L", alpha.size, int(random.choice([0, 255])))
    return Image.merge("LA", (ink, alpha))


def jpeg(digit: Digit, random: Random) -> Image.Image:
    """Saved as a bad JPEG."""
    file = io.BytesIO()
    inverted(digit, random).convert("RGB").save(file, "JPEG", quality=int(random.integers(10, 30)))
    return Image.open(file)


def turned_by_exif(digit: Digit, random: Random) -> Image.Image:
    """Taken with the camera on its side or head, and marked so."""
    mark = int(random.choice(list(TURNS)))
    picture = inverted(digit, random).transpose(TURNS[mark])
    picture.getexif()[EXIF_ORIENTATION] = mark
    return picture


def sixteen_bit(digit: Digit, random: Random) -> Image.Image:
    """Grey values of 16 bits, not all of whose range is used."""
    return Image.fromarray(np.asarray(inverted(digit, random)).astype(np.uint16) * 180 + 9000)


def tight(digit: Digit, random: Random) -> Image.Image:
    """Cut to the ink."""
    ink = inverted(digit, random)
    rows, columns = (np.flatnonzero((np.asarray(ink) < 128).any(axis)) for axis in (1, 0))
    return ink.crop((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))


def photo(digit: Digit, random: Random) -> Image.Image:
    """Taken with a telephone: askew, blurred, a shadow across, the table at one edge."""
    coverage = Image.fromarray(_sheet(digit, random).astype(np.float32))
    corners = np.array([[0, 0], [0, SIDE], [SIDE, SIDE], [SIDE, 0]]) + random.uniform(
        -25, 25, (4, 2)
    )
    askew = coverage.transform(
        (SIDE, SIDE),
        Image.Transform.QUAD,
        tuple(corners.ravel()),
        Image.Resampling.BICUBIC,
    )
    picture = np.asarray(_photo(np.asarray(askew), [30, 30, 60], random)).astype(float)
    y, x = np.mgrid[:SIDE, :SIDE]
    across = x * random.uniform(0.4, 1) + y * random.uniform(-1, 1) - SIDE / 2
    picture *= (1 - 0.35 / (1 + np.exp(-across / random.uniform(3, 20))))[..., None]
    picture[: int(random.integers(0, 16))] = [70, 45, 30]
    return _colour(picture).filter(ImageFilter.GaussianBlur(random.uniform(0.5, 1.5)))


KINDS: dict[str, Callable[[Digit, Random], Image.Image]] = {
    "enlarged": enlarged,
    "inverted": inverted,
    "shifted": shifted,
    "rotated": rotated,
    "cut to the ink": tight,
    "paper": on_paper,
    "ruled paper": on_ruled_paper,
    "photo": photo,
    "chalk": chalk,
    "mouse": mouse,
    "alpha": with_alpha,
    "bad JPEG": jpeg,
    "EXIF": turned_by_exif,
    "16 bits": sixteen_bit,
}
JPEGS = {"photo", "EXIF"}


def write_pictures(digits: Iterable[Digit], kind: str, folder: Path, seed: int) -> list[Path]:
    """Make a picture of each digit, (28, 28) uint8, and save it as PNG or JPEG."""
    random = np.random.default_rng(seed)
    paths = []
    for i, digit in enumerate(digits):
        picture = KINDS[kind](digit, random)
        paths.append(folder / f"{kind}-{i:04}.{'jpg' if kind in JPEGS else 'png'}")
        picture.save(paths[-1], exif=picture.getexif())
    return paths


def thinned(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Take pixels off until a line one pixel wide is left.

    T. Y. Zhang, C. Y. Suen (1984), Communications of the ACM 27, 236-239.
    """
    ink = np.pad(ink, 1)
    while True:
        before = ink.sum()
        for first in (True, False):
            ring = [np.roll(ink, (-dy, -dx), (0, 1)) for dy, dx in NEIGHBOURS]
            n, e, s, w = ring[::2]
            count = sum(r.astype(int) for r in ring)
            changes = sum(
                (~a & b).astype(int) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)
            )
            corner = ~(n & e & s) & ~(e & s & w) if first else ~(n & e & w) & ~(n & s & w)
            ink = ink & ~((count >= 2) & (count <= 6) & (changes == 1) & corner)
        if ink.sum() == before:
            return ink[1:-1, 1:-1]


def _sheet(digit: Digit, random: Random) -> NDArray[np.float64]:
    """How much of each pixel of a sheet is inked."""
    sheet = Image.new("L", (SIDE, SIDE))
    side = int(random.integers(180, 330))
    place = (int(random.integers(20, SIDE - side - 20)), int(random.integers(20, SIDE - side - 20)))
    sheet.paste(Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC), place)
    return np.asarray(sheet) / 255


def _slope(random: Random) -> NDArray[np.float64]:
    """Uneven light: a slope and a bulge, about -1 to 1."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    a, b, c = random.uniform(-0.6, 0.6, 3)
    return np.asarray(a * x + b * y + c * (x * x + y * y - 1))


def _photo(coverage: NDArray[np.float64], colour: list[int], random: Random) -> Image.Image:
    fibre = ndimage.gaussian_filter(random.standard_normal((SIDE, SIDE), np.float32), 1.5) * 12
    light = (190 + 45 * _slope(random) + fibre)[..., None] * np.array([1.0, 0.98, 0.92])
    ink = light * (np.array(colour) / 255 + 0.05)
    noise = 6 * random.standard_normal((SIDE, SIDE, 3), np.float32)
    return _colour(light + 0.9 * coverage[..., None] * (ink - light) + noise)


def _colour(values: NDArray[np.float64]) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))
