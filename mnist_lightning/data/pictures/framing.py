"""Framing: a picture of a digit, brought to the form of MNIST's images."""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from scipy import ndimage

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]
Digit = NDArray[np.uint8]

IMAGE_SIZE = 28
BOX_SIZE = 20  # yann.lecun.com/exdb/mnist: digits fit a 20x20 box, centred by their mass
# Counting from 0, MNIST's centres of mass lie at 14.00, 14.01 on average over 60,000 images.
CENTER = 14.0
# Pixels, the median of 500 MNIST digits seen through here; finer strokes are thickened to it.
STROKE_WIDTH = 2.4
OUTLINE_SIZE = 160  # pixels of the longer side at which outlines are drawn, at least
PAPER_SIZE = 96  # pixels of the longer side at which the paper is estimated
MAX_STROKE = 32  # of these, the width of a stroke
MIN_CONTRAST = 0.1  # of ink, as a share of the paper's brightness
NOISE_DEVIATIONS = 5.0  # standard deviations of the paper's noise by which ink stands out
SPECK = 0.05  # share of the largest component's area below which another is dirt
MAX_COMPONENTS = 10  # of a digit with broken strokes; more are texture
MIN_SPAN = 0.03  # share of the picture's longer side that a digit spans
MIN_ASPECT = 0.03  # width by span of a stroke; a finer one that ends at the edge is a ruled line
DARK_BOARD = 0.6  # brightness of a board for light ink, at most


def frame_digit(grey: Array) -> Digit | None:
    """Segment the digit in a picture; scale and centre it as MNIST's makers did theirs.

    From (H, W) float32, [0, 1], 0 black, dark on light or light on dark, to (28, 28) uint8, ink 255
    on 0, or None where there is no digit.
    """
    contrast, floor = _contrast(grey)
    threshold = _otsu_threshold(contrast, floor)
    digit = _select_components(contrast > threshold)
    if not digit.any():
        return None
    box = _bounding_box(digit, margin=1)
    near = ndimage.binary_dilation(digit[box], iterations=2)  # the soft edge belongs to it
    # enlarged before it is cut off: a small picture's strokes get a smooth outline
    outline = _resize(contrast[box] * near, max(1, OUTLINE_SIZE / max(near.shape))) > threshold
    if not outline.any():
        return None
    _, width = _stroke_widths(outline.astype(np.int32))
    wanted = STROKE_WIDTH * max(outline[_bounding_box(outline)].shape) / BOX_SIZE
    grown = max(0.0, wanted - width) / 2  # strokes finer than MNIST's are dilated to their width
    wide = np.pad(outline, int(grown) + 2)
    return _center(ndimage.distance_transform_edt(~wide) <= grown)


def _contrast(grey: Array) -> tuple[Array, float]:
    """Weber contrast to the paper, (H, W) float32, and the least of it that can be ink."""
    side = max(grey.shape)
    coarse = _resize(grey, PAPER_SIZE / side)
    # ink covers less than paper, far from the mean: its side is seen by the skewness
    rest = coarse - _fit_light(coarse, 3)
    rest /= rest.std() + 1e-6
    corners = np.s_[[0, 0, -1, -1], [0, -1, 0, -1]]
    dark = np.median(coarse[corners]) <= DARK_BOARD
    # corners are paper, but count by half, as a table or a shadow may lie there
    if dark and (rest**3).mean() > np.median(rest[corners]) / 2:
        grey, coarse = 1 - grey, 1 - coarse
    # a closing covers what is darker than its surroundings and no wider than a stroke; it is taken
    # of what uneven light leaves, as it has no slopes
    close = partial(ndimage.grey_closing, size=MAX_STROKE, mode="nearest")
    light = _fit_light(close(coarse), 6)
    smooth = Image.fromarray(light + close(coarse - light))
    paper = np.asarray(smooth.resize(grey.shape[::-1], Resampling.BICUBIC))
    contrast = (paper - grey) / np.maximum(paper, MIN_CONTRAST)
    contrast = ndimage.gaussian_filter(contrast, side / 500)
    noise = np.abs(contrast - ndimage.uniform_filter(contrast, max(side // 20, 3)))
    # 1.4826 medians of |x| are a normal law's standard deviation; ink hardly moves a median
    return contrast, max(MIN_CONTRAST, NOISE_DEVIATIONS * 1.4826 * float(np.median(noise)))


def _fit_light(coarse: Array, terms: int) -> Array:
    """Uneven light by least squares: a plane, of 3 terms, or polynomial of degree 2, of 6."""
    height, width = coarse.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    powers = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y][:terms]).reshape(terms, -1)
    solution = np.linalg.lstsq(powers @ powers.T, powers @ coarse.ravel(), rcond=None)[0]
    return np.asarray((solution @ powers).reshape(coarse.shape), np.float32)


def _otsu_threshold(contrast: Array, floor: float) -> float:
    """Threshold that parts ink from soft edges, stains and ruling, all above floor: Otsu (1979)."""
    inked = contrast[contrast > floor]
    if not inked.size:
        return 1.0
    counts, edges = np.histogram(inked, 128, (floor, 1))
    below = counts.cumsum()
    above = below[-1] - below
    sums = (counts * (edges[:-1] + edges[1:]) / 2).cumsum()
    gaps = sums / np.maximum(below, 1) - (sums[-1] - sums) / np.maximum(above, 1)
    return float(edges[1:][np.argmax(below * above * gaps**2)])


def _select_components(ink: Mask) -> Mask:
    """Connected components without specks, ruled lines and the picture's edge; (H, W) bool."""
    labels, count = ndimage.label(ink, np.ones((3, 3)))
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0  # the paper
    sides = [labels[0], labels[-1], labels[:, 0], labels[:, -1]]
    # (4, count + 1): the share of each side of the picture that a component takes
    touched = np.array([np.bincount(side, minlength=count + 1) / len(side) for side in sides])
    spans = np.array([1, *(max(labels[box].shape) for box in ndimage.find_objects(labels))])
    widths = _stroke_widths(labels)
    ruled = touched.any(axis=0) & (widths < MIN_ASPECT * spans)
    beyond = touched.max(axis=0) > 0.9  # a table, or another sheet
    # with ruled lines go their fragments, as fine as they are
    areas[beyond | (widths <= 1.2 * widths[ruled].max(initial=0))] = 0
    kept = (areas > 0) & (areas > SPECK * areas.max())
    small = spans[areas.argmax()] < max(MIN_SPAN * max(ink.shape), 5)
    kept &= not (small or kept.sum() > MAX_COMPONENTS)
    return np.asarray(kept[labels])


def _center(outline: Mask) -> Digit:
    """Scale to the box, each pixel by the area inked, its centre of mass to the image's."""
    ink = outline[_bounding_box(outline)]
    small = _resize(ink.astype(np.float32), BOX_SIZE / max(ink.shape), Resampling.BOX)
    box = (255 * small).round().astype(np.uint8)
    places = zip(ndimage.center_of_mass(small), box.shape, strict=True)
    top, left = (min(max(round(CENTER - mean), 0), IMAGE_SIZE - size) for mean, size in places)
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[top : top + box.shape[0], left : left + box.shape[1]] = box
    return image


def _stroke_widths(labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Stroke width of each label: in a strip, a quarter is the mean distance to the edge."""
    depth = ndimage.distance_transform_edt(labels > 0)
    return 4 * np.asarray(ndimage.mean(depth, labels, range(labels.max() + 1)))


def _bounding_box(piece: Mask, margin: int = 0) -> tuple[slice, slice]:
    """Rows and columns that hold a component, with a margin where the picture has it."""
    found = ndimage.find_objects(piece.astype(np.uint8))[0]
    rows, columns = (slice(max(each.start - margin, 0), each.stop + margin) for each in found)
    return rows, columns


def _resize(image: Array, scale: float, resample: Resampling = Resampling.BICUBIC) -> Array:
    height, width = (max(1, round(n * scale)) for n in image.shape)
    return np.asarray(Image.fromarray(image).resize((width, height), resample))
