"""Numbers of several digits, composed of MNIST's as other people write them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from paper import Digit, Field, Random, clouds, crisp, inked, seen
from pens import broadened
from PIL import Image
from scipy import ndimage


class Spacing(NamedTuple):
    """What lies between the ink of two neighbours, as shares of a digit's height."""

    least: float
    most: float
    share: float  # of people's numbers, by our guess


SPACINGS = {
    "numbers, wide": Spacing(0.35, 0.9, share=0.25),
    "numbers, usual": Spacing(0.12, 0.35, share=0.45),
    "numbers, close": Spacing(0.03, 0.12, share=0.2),
    "numbers, touching": Spacing(-0.06, 0.02, share=0.1),
}
INKS = ([20, 30, 110], [30, 30, 35], [60, 60, 65], [150, 30, 45])


def compose_number(
    digits: NDArray[np.uint8], labels: NDArray[np.int64], random: Random, spacing: str | None = None
) -> tuple[Image.Image, str]:
    """One to three rows, each a number of 2 to 6 digits, in one hand.

    Args:
        digits: (N, 28, 28), to choose from.
        labels: (N,), what they show.
        random: for the choice, and for how it is written.
        spacing: a key of SPACINGS; None for any.

    Returns:
        The picture, and its text: the rows from above, joined by newlines.
    """
    shares = [each.share for each in SPACINGS.values()]
    gaps = np.array(SPACINGS[spacing or str(random.choice(list(SPACINGS), p=shares))][:2])
    height = int(random.integers(40, 90))
    slant, pen = random.uniform(-0.15, 0.35), random.uniform(0, 0.03) * height
    rows, lines = [], []
    for _ in range(random.choice([1, 2, 3], p=[0.7, 0.2, 0.1])):
        chosen = random.choice(len(digits), random.integers(2, 7), replace=False)
        inks = [written(digits[i], height, slant, pen, random) for i in chosen]
        lines.append(row(inks, gaps * height, height, random))
        rows.append("".join(str(labels[i]) for i in chosen))
    return ground(page(lines, height, random), random), "\n".join(rows)


def write_numbers(
    digits: NDArray[np.uint8],
    labels: NDArray[np.int64],
    spacing: str,
    folder: Path,
    count: int,
    seed: int,
) -> tuple[list[Path], list[str]]:
    """Save so many pictures of numbers as PNG; also what they show."""
    random = np.random.default_rng(seed)
    composed = [compose_number(digits, labels, random, spacing) for _ in range(count)]
    paths = [folder / f"{spacing}-{i:04}.png" for i in range(count)]
    for path, (image, _) in zip(paths, composed, strict=True):
        image.save(path)
    return paths, [text for _, text in composed]


def written(digit: Digit, height: int, slant: float, pen: float, random: Random) -> Field:
    """A digit's ink, cut to its box, (about height, any), 0 to 1."""
    # rows of a picture that leans: a shear, in which each row moves by its distance from the foot
    leaning = (1, slant, -14 * slant, 0, 1, 0)
    image = Image.fromarray(np.pad(digit, ((0, 0), (8, 8)))).transform(
        (44, 28), Image.Transform.AFFINE, leaning, Image.Resampling.BICUBIC
    )
    box = image.point(lambda value: 255 * (value > 90)).getbbox() or (0, 0, 44, 28)
    scale = height / 20 * random.uniform(0.9, 1.1)
    if box[3] - box[1] > 8:  # any but a bar that lies: brought to the row's height by half
        scale *= (20 / (box[3] - box[1])) ** 0.5
    cut = image.crop(box)
    size = (max(int(cut.width * scale), 2), max(int(cut.height * scale), 2))
    large = np.asarray(cut.resize(size, Image.Resampling.BICUBIC)) / 255
    return broadened(np.pad(crisp(large, scale), 4), pen)


def row(inks: list[Field], gaps: Field, height: int, random: Random) -> Field:
    """Digits side by side on a base line that is not straight, (2.4 x height, any)."""
    sheet = np.zeros((int(2.4 * height), int(2.6 * height * len(inks)) + 40))
    base, drift = 1.75 * height, random.uniform(-0.06, 0.06) * height
    own = random.uniform(*gaps)  # of this writer; each gap differs a little
    for i, ink in enumerate(inks):
        gap = np.clip(own + random.normal(0, 0.25) * (gaps[1] - gaps[0]), *gaps)
        foot = int(base + i * drift * 0.4 + random.normal(0, 0.04) * height)
        top = max(foot - ink.shape[0], 0)
        left = 0 if i == 0 else _beside(sheet[top : top + ink.shape[0]], ink, gap)
        part = sheet[top : top + ink.shape[0], left : left + ink.shape[1]]
        np.maximum(part, ink[: part.shape[0], : part.shape[1]], out=part)
    return sheet[:, : int(np.flatnonzero(sheet.any(0))[-1]) + 1]


def _beside(before: Field, ink: Field, gap: float) -> int:
    """The column where a digit begins whose ink is `gap` away from what stands before it."""
    filled, own = before > 0.5, ink > 0.5
    if not filled.any():
        return 0
    lefts = np.where(own.any(1), own.argmax(1), own.shape[1])
    rights = np.where(filled.any(1), filled.shape[1] - 1 - filled[:, ::-1].argmax(1), -(10**6))
    # nearest over rows, each seen with its neighbours above and below
    near = ndimage.maximum_filter1d(rights, 2 * max(len(own) // 8, 1) + 1, mode="nearest")
    end = int(np.flatnonzero(filled.any(0))[-1])
    under = end - 0.6 * np.flatnonzero(own.any(0))[-1]  # never more than partly under the other
    return max(int(max((near - lefts).max(), under) + gap) + 1, 0)


def page(lines: list[Field], height: int, random: Random) -> Field:
    """Rows below each other with a margin around."""
    pitch = random.uniform(1.5, 2.2) * height
    margin = random.uniform(0.2, 1.2, 4) * height
    wide = max(line.shape[1] for line in lines) + int(height * 0.8)
    sheet = np.zeros((int(pitch * (len(lines) - 1) + 2.4 * height), wide))
    for i, line in enumerate(lines):
        top, left = int(i * pitch), int(random.uniform(0, 0.7) * height)
        part = sheet[top : top + line.shape[0], left : left + line.shape[1]]
        np.maximum(part, line, out=part)
    rows, columns = (np.flatnonzero(sheet.any(axis)) for axis in (1, 0))
    ink = sheet[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.pad(ink, margin.astype(int).reshape(2, 2))


def ground(ink: Field, random: Random) -> Image.Image:
    """Dark on light or light on dark; plain, rough, ruled, or as a drawing program has it."""
    shape = (ink.shape[0], ink.shape[1])
    kind = random.choice(["drawn", "smooth", "rough", "ruled", "board"])
    if kind == "drawn":
        grey = 255 * ink if random.random() < 0.3 else 255 - 255 * ink
        return Image.fromarray(grey.astype(np.uint8))
    if kind == "board":
        paper = np.array([40, 60, 50]) + 4 * clouds(random, 8, shape)[..., None]
        return seen(inked(paper, ink, [225, 225, 215]), random)
    fibre = (1 if kind == "smooth" else 6) * clouds(random, 1.5, shape)
    paper = (random.uniform(190, 235) + fibre)[..., None] * np.array([1, 0.98, 0.94])
    if kind == "ruled":
        lines = np.arange(shape[0]) % int(random.integers(25, 70)) < 2
        lined = np.broadcast_to(lines[:, None].astype(float), shape)
        paper = inked(paper, lined, [120, 150, 200], random.uniform(0.3, 0.6))
    return seen(inked(paper, ink, INKS[random.integers(len(INKS))]), random)
