"""Images that are no digit, of many families, so that those of unknown ones are refused too."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np
import torch
from clumps import crossed_out, in_frame, row, two_rows
from forms import FIGURES, LETTERS
from framed import Pixels, Random
from letters import letter, mark, symbol, word
from marks import blot, cloth, corner, noise, sheet
from numpy.typing import NDArray
from outlines import doodle, grid, hand, lines, polygon
from scipy import ndimage

from mnist_lightning.data.generated import render_digits

PEN_RADIUS = (1.5, 0.32)  # as generated.PEN_RADIUS, with more thin and thick pens
FINE_PEN = (1.1, 0.32)  # which keeps scribbles from running together
LIKENESS = 0.94  # cosine to the nearest digit; of three in four digits it is above 0.946
BLUR = 1.0  # pixels
Labelled = tuple[Pixels, NDArray[np.int64]]
Family = Callable[[int, Labelled, Random], Pixels]  # so many images, (N, 28, 28)


def by_pen(
    forms: tuple[str, ...],
    count: int,
    digits: Labelled,
    random: Random,
    pen_radius: tuple[float, float] = PEN_RADIUS,
) -> Pixels:
    """Forms drawn by the pen of the generated digits."""
    generator = torch.Generator().manual_seed(int(random.integers(2**31)))
    labels = torch.zeros(count, dtype=torch.int64)
    return render_digits(labels, generator, forms, pen_radius).numpy()


def scribbles(count: int, digits: Labelled, random: Random) -> Pixels:
    """One to three strokes along random nodes; a form serves for several images."""
    forms = []
    for _ in range(min(count, 800)):
        nodes = [f"{node:02}" for node in random.integers(100, size=random.integers(11, 20))]
        for lift in random.integers(3, len(nodes) - 3, int(random.integers(0, 3))):
            nodes[lift] += f" / {random.integers(100):02}"
        forms.append(" ".join(nodes))
    return by_pen((" | ".join(forms),), count, digits, random, FINE_PEN)


def one_by_one(
    draw: Callable[[Random], Pixels | None], count: int, digits: Labelled, random: Random
) -> Pixels:
    """Images of a function that draws one, without those that are empty or might be a 1."""
    images: list[Pixels] = []
    while len(images) < count:
        image = draw(random)
        if image is not None and image.max() > 128 and not is_stick(image):
            images.append(image)
    return np.stack(images)


def of_digits(
    draw: Callable[[Pixels, NDArray[np.int64], Random], Pixels],
    count: int,
    digits: Labelled,
    random: Random,
) -> Pixels:
    """Images of a function that makes one of digits and their labels."""
    return np.stack([draw(*digits, random) for _ in range(count)])


def is_stick(image: Pixels) -> bool:
    """Tell whether ink, (28, 28), is one steep stroke, which may be a 1."""
    rows, columns = np.nonzero(image > 64)
    if rows.size < 3:
        return True
    values, axes = np.linalg.eigh(np.cov(rows, columns))
    long = axes[:, 1]
    return bool(values[0] < 0.12 * values[1] and abs(long[0]) > 0.5 * abs(long[1]))


KNOWN: Mapping[str, tuple[int, Family]] = {  # with the share of each family
    "scribbles": (20, scribbles),
    "letters by pen": (15, partial(by_pen, LETTERS)),
    "figures by pen": (15, partial(by_pen, FIGURES)),
    "hands": (15, partial(one_by_one, hand)),
    "polygons": (8, partial(one_by_one, polygon)),
    "letters": (12, partial(one_by_one, letter)),
    "marks": (5, partial(one_by_one, mark)),
    "rows of digits": (12, partial(of_digits, row)),
    "two rows": (5, partial(of_digits, two_rows)),
    "crossed out": (7, partial(of_digits, crossed_out)),
    "in a frame": (7, partial(of_digits, in_frame)),
    "lines": (6, partial(one_by_one, lines)),
    "grids": (4, partial(one_by_one, grid)),
    "noise": (7, partial(one_by_one, noise)),
    "cloth": (6, partial(one_by_one, cloth)),
    "blots": (5, partial(one_by_one, blot)),
    "corners": (3, partial(one_by_one, corner)),
    "sheets": (8, partial(one_by_one, sheet)),
}
# kept out of training, to see whether unknown ones are refused
UNKNOWN: Mapping[str, Family] = {
    "doodles": partial(one_by_one, doodle),
    "symbols": partial(one_by_one, symbol),
    "words": partial(one_by_one, word),
}


def draw_families(
    families: Iterable[Family], counts: Iterable[int], digits: Labelled, random: Random
) -> list[Pixels]:
    """Draw so many images of each family, (N, 28, 28), without those like one of the digits."""
    near = features(digits[0][:20_000]).T
    drawn = []
    for draw, count in zip(families, counts, strict=True):
        kept = np.empty((0, 28, 28), np.uint8)
        while len(kept) < count:
            images = draw(count - len(kept), digits, random)
            unlike = (features(images) @ near).max(1) < LIKENESS
            kept = np.concatenate([kept, images[unlike]])
        drawn.append(kept)
    return drawn


def features(images: Pixels) -> NDArray[np.float32]:
    """Blurred images as vectors of length 1, (N, 784)."""
    vectors = ndimage.gaussian_filter(images.astype(np.float32), (0, BLUR, BLUR))
    vectors = vectors.reshape(len(images), -1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def known(count: int, digits: Labelled, random: Random) -> Pixels:
    """Draw ``count`` images of the known families by their shares, (N, 28, 28)."""
    shares, families = zip(*KNOWN.values(), strict=True)
    places = np.cumsum([0, *shares])
    counts = np.diff(np.round(count * places / places[-1]).astype(int)).tolist()
    return np.concatenate(draw_families(families, counts, digits, random))
