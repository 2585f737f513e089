"""Framing: a digit's ink, brought to the form of MNIST's images."""

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_lightning.data.pictures.components import Mask
from mnist_lightning.data.pictures.ink import Ink, find_ink
from mnist_lightning.data.pictures.paper import Array
from mnist_lightning.data.pictures.pieces import Piece, main_piece

Digit = NDArray[np.uint8]

IMAGE_SIZE = 28
BOX_SIZE = 20  # yann.lecun.com/exdb/mnist: digits fit a 20x20 box, centred by their mass
# Counting from 0, MNIST's centres of mass lie at 14.00, 14.01 on average over 60,000 images.
CENTER = 14.0
# Pixels, the median of 500 MNIST digits seen through here; finer strokes are thickened to it.
STROKE_WIDTH = 2.4
OUTLINE_SIZE = 160  # pixels of the longer side at which outlines are drawn, at least


def frame_digit(grey: Array) -> Digit | None:
    """Segment the digit in a picture; scale and centre it as MNIST's makers did theirs.

    From (H, W) float32, [0, 1], 0 black, dark on light or light on dark, to (28, 28) uint8, ink 255
    on 0, or None where there is no digit. Of several it takes the one that stands out most.
    """
    ink = find_ink(grey)
    return None if ink is None else frame(ink, main_piece(ink))


def frame(ink: Ink, piece: Piece) -> Digit:
    """Scale and centre a piece of a picture's ink as MNIST's makers did: (28, 28) uint8."""
    mask = np.pad(piece.mask, 3).astype(np.uint8)
    height, width = ink.components.labels.shape
    rows = np.arange(piece.top - 3, piece.bottom + 3).clip(0, height - 1)
    columns = np.arange(piece.left - 3, piece.right + 3).clip(0, width - 1)
    weber = ink.components.contrast.weber[np.ix_(rows, columns)]
    near = cv2.dilate(mask, np.ones((5, 5), np.uint8))  # the soft edge belongs to it
    # enlarged before it is cut off: a small picture's strokes get a smooth outline
    scale = max(1.0, OUTLINE_SIZE / max(mask.shape))
    large = cv2.resize(weber * near, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    outline = np.asarray(large > ink.threshold)
    return _center(_thicken(outline if outline.any() else piece.mask))


def _thicken(outline: Mask) -> Mask:
    """Dilate strokes finer than MNIST's to their width."""
    depth = cv2.distanceTransform(np.pad(outline, 1).astype(np.uint8), cv2.DIST_L2, 5)
    width = 4 * float(depth[depth > 0].mean())  # in a strip, a quarter is the mean distance
    wanted = STROKE_WIDTH * max(_cropped(outline).shape) / BOX_SIZE
    grown = max(0.0, wanted - width) / 2
    wide = np.pad(outline, int(grown) + 2)
    distance = cv2.distanceTransform((~wide).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance <= grown)


def _center(outline: Mask) -> Digit:
    """Scale to the box, each pixel by the area inked, its centre of mass to the image's."""
    ink = _cropped(outline).astype(np.float32)
    height, width = (max(1, round(n * BOX_SIZE / max(ink.shape))) for n in ink.shape)
    small = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA)
    box = (255 * small).round().astype(np.uint8)
    marginals = small.sum(axis=1), small.sum(axis=0)
    means = (np.average(np.arange(len(each)), weights=each) for each in marginals)
    places = zip(means, box.shape, strict=True)
    top, left = (min(max(round(CENTER - mean), 0), IMAGE_SIZE - size) for mean, size in places)
    image = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8)
    image[top : top + height, left : left + width] = box
    return image


def _cropped(mask: Mask) -> Mask:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
