"""The picture of a digit, brought to the form of MNIST's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Digit = NDArray[np.uint8]

IMAGE_SIZE = 28
BOX_SIZE = 20  # yann.lecun.com/exdb/mnist: digits fit a 20x20 box, centred by their mass
# Counting from 0, MNIST's centres of mass lie at 14.00, 14.01 on average over 60,000 images.
MIDDLE = 14.0
# Pixels, the median of 500 MNIST digits seen through here; finer strokes are thickened to it.
STROKE = 2.4
FINE = 160  # pixels of the longer side at which outlines are drawn, at least
COARSE = 96  # pixels of the longer side at which the paper is looked for
BROADEST = 32  # of these, that a stroke spans at most
FAINTEST = 0.1  # share of the paper's light that ink takes, at least
NOISE = 5.0  # deviations of the paper's noise by which ink stands out, at least
SPECK = 0.05  # share of the largest piece of ink below which another is dirt
MOST_PIECES = 10  # of a digit whose strokes are broken; more are texture
SMALLEST = 0.03  # share of the picture's longer side that a digit spans, at least
THINNEST = 0.03  # stroke by span below which ink at the picture's edge is a ruled line
LIGHTEST = 0.6  # of a board that light ink is written on


def to_mnist(grey: Array) -> Digit | None:
    """Find the digit in a picture and frame it as MNIST's makers framed theirs.

    Args:
        grey: (H, W) float32, [0, 1], 0 black; dark on light or light on dark.

    Returns:
        (28, 28) uint8, ink 255 on 0, or None where there is no digit.
    """
    taken, floor = _ink(grey)
    limit = _limit(taken, floor)
    digit = _digit(taken > limit)
    if not digit.any():
        return None
    inside = _bounds(digit, 1)
    near = ndimage.binary_dilation(digit[inside], iterations=2)  # the soft edge belongs to it
    outline = _resize(taken[inside] * near, max(1.0, FINE / max(near.shape))) > limit
    return _framed(_thickened(outline)) if outline.any() else None


def _ink(grey: Array) -> tuple[Array, float]:
    """Share of the paper's light that is taken, (H, W) float32, and above what it is ink."""
    coarse = _resize(grey, COARSE / max(grey.shape))
    if _is_light_on_dark(coarse):
        grey, coarse = 1 - grey, 1 - coarse
    light = _light(_closed(coarse), 6)
    paper = _resize(light + _closed(coarse - light), size=grey.shape)
    side = max(grey.shape)
    taken = (paper - grey) / np.maximum(paper, FAINTEST)
    taken = ndimage.gaussian_filter(taken, side / 500)
    noise = np.abs(taken - ndimage.uniform_filter(taken, max(side // 20, 3)))
    return taken, max(FAINTEST, NOISE * 1.4826 * float(np.median(noise)))  # 1.4826: of a normal law


def _closed(coarse: Array) -> Array:
    """Cover whatever is darker than its surroundings and narrower than the broadest stroke."""
    return np.asarray(ndimage.grey_closing(coarse, BROADEST, mode="nearest"))


def _is_light_on_dark(coarse: Array) -> bool:
    """Ink covers less than paper, so it lies far from the mean; and corners are paper."""
    rest = coarse - _light(coarse, 3)
    rest /= rest.std() + 1e-6
    corners = np.s_[[0, 0, -1, -1], [0, -1, 0, -1]]
    if np.median(coarse[corners]) > LIGHTEST:
        return False
    # half the weight for corners, as a table or a shadow may lie there
    return bool((rest**3).mean() > np.median(rest[corners]) / 2)


def _light(coarse: Array, terms: int) -> Array:
    """Uneven light: a least-squares plane, of 3 terms, or polynomial of degree 2, of 6."""
    height, width = coarse.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    powers = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y][:terms]).reshape(terms, -1)
    solution = np.linalg.lstsq(powers @ powers.T, powers @ coarse.ravel(), rcond=None)[0]
    return np.asarray((solution @ powers).reshape(coarse.shape), np.float32)


def _limit(taken: Array, floor: float) -> float:
    """Where ink parts best from its soft edges, stains and ruling: N. Otsu (1979)."""
    inked = taken[taken > floor]
    if not inked.size:
        return 1.0
    counts, edges = np.histogram(inked, 128, (floor, 1))
    below = counts.cumsum()
    above = below[-1] - below
    sums = (counts * (edges[:-1] + edges[1:]) / 2).cumsum()
    gaps = sums / np.maximum(below, 1) - (sums[-1] - sums) / np.maximum(above, 1)
    return float(edges[1:][np.argmax(below * above * gaps**2)])


def _digit(ink: Mask) -> Mask:
    """Leave out specks, ruled lines, and what comes in from beyond the edge; (H, W) bool."""
    labels, count = ndimage.label(ink, np.ones((3, 3)))
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    sides = [labels[0], labels[-1], labels[:, 0], labels[:, -1]]
    touched = np.array([np.bincount(side, minlength=count + 1) / len(side) for side in sides])
    spans = np.array([1, *(max(_lengths(piece)) for piece in ndimage.find_objects(labels))])
    widths = _widths(labels, range(count + 1))
    ruled = touched.any(axis=0) & (widths < THINNEST * spans)
    beyond = touched.max(axis=0) > 0.9
    areas[beyond | (widths <= 1.2 * widths[ruled].max(initial=0))] = 0
    kept = (areas > 0) & (areas > SPECK * areas.max())
    small = spans[areas.argmax()] < max(SMALLEST * max(ink.shape), 5)
    if small or kept.sum() > MOST_PIECES:
        return np.zeros_like(ink)
    return np.asarray(kept[labels])


def _thickened(outline: Mask) -> Mask:
    """Give strokes the width of MNIST's where they are finer."""
    (width,) = _widths(outline.astype(np.int32), [1])
    wanted = STROKE * max(_lengths(_bounds(outline))) / BOX_SIZE
    grown = max(0.0, wanted - width) / 2
    wide = np.pad(outline, int(grown) + 2)
    return np.asarray(ndimage.distance_transform_edt(~wide) <= grown)


def _framed(outline: Mask) -> Digit:
    """Scale to the box by area, and put the centre of mass into the middle to the pixel."""
    ink = outline[_bounds(outline)]
    small = _resize(ink.astype(np.float32), BOX_SIZE / max(ink.shape), Image.Resampling.BOX)
    box = (255 * small).round().astype(np.uint8)
    places = zip(ndimage.center_of_mass(small), box.shape, strict=True)
    top, left = (min(max(round(MIDDLE - mean), 0), IMAGE_SIZE - size) for mean, size in places)
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[top : top + box.shape[0], left : left + box.shape[1]] = box
    return image


def _widths(labels: NDArray[np.int32], index: Sequence[int]) -> NDArray[np.float64]:
    """Width of each piece's strokes: in a strip the mean distance to its edge is a quarter."""
    depth = ndimage.distance_transform_edt(labels > 0)
    return 4 * np.asarray(ndimage.mean(depth, labels, index))


def _lengths(piece: tuple[slice, ...]) -> list[int]:
    return [each.stop - each.start for each in piece]


def _bounds(piece: Mask, margin: int = 0) -> tuple[slice, slice]:
    """Rows and columns that hold a piece, and a margin within the picture."""
    found = ndimage.find_objects(piece.astype(np.uint8))[0]
    rows, columns = (slice(max(each.start - margin, 0), each.stop + margin) for each in found)
    return rows, columns


def _resize(
    image: Array,
    scale: float = 1.0,
    resample: Image.Resampling = Image.Resampling.BICUBIC,
    size: tuple[int, int] | None = None,
) -> Array:
    height, width = size or (max(1, round(n * scale)) for n in image.shape)
    return np.asarray(Image.fromarray(image).resize((width, height), resample))
