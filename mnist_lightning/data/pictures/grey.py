"""Grey: the tones of a picture without its colours and its transparent parts."""

from typing import Any

import cv2
import numpy as np
from PIL import Image

from mnist_lightning.data.pictures.components import Mask
from mnist_lightning.data.pictures.paper import Array

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow has it
SMALL_SIDE = 200  # pixels of the longer side at which colours are compared
CLEARLY = 2.5  # times luminance's contrast that another projection must have
MIN_CONTRAST = 0.1  # and at least so much of it
PAPER = 0.8  # brightness of the paper in such a projection
SAME_TONE = 0.15  # difference of brightness within paper, or within ink
MIN_INK = 0.002  # share of a card that its ink covers


def to_grey(image: Image.Image) -> Array:
    """Brightness, (H, W) float32, [0, 1], of a picture in mode L, F in [0, 1], RGB or RGBA."""
    if image.mode == "F":
        return np.clip(_floats(image), 0, 1)
    if image.mode == "RGBA":
        if image.getchannel("A").getextrema() != (255, 255):
            light, alpha = (_floats(image.convert("LA")) / 255).transpose(2, 0, 1)
            return np.asarray(light * alpha + _behind(light, alpha) * (1 - alpha), np.float32)
        image = image.convert("RGB")
    if image.mode == "RGB" and (axis := _better_axis(image)) is not None:
        tones = _floats(image) / 255 @ axis
        return np.asarray(np.clip(PAPER + tones - np.median(tones), 0, 1), np.float32)
    return _floats(image.convert("L")) / np.float32(255)


def _better_axis(image: Image.Image) -> Array | None:
    """Projection of red, green and blue, (3,) float32, with clearly more contrast than luminance.

    Ink as bright as its paper, red on green, is lost in luminance. The projection is the first
    principal component of what differs from the surroundings, ink darker than paper; None where
    luminance shows it too.
    """
    small = image.copy()
    small.thumbnail((SMALL_SIDE, SMALL_SIDE))
    colours = _floats(small) / 255
    window = max(max(small.size) // 8, 1)
    around = cv2.blur(colours, (window, window), borderType=cv2.BORDER_REFLECT)
    detail = (colours - around).reshape(-1, 3)
    axis = np.linalg.eigh(detail.T @ detail)[1][:, -1]
    axis /= np.abs(axis).sum()
    found, known = (np.quantile(np.abs(detail @ each), 0.99) for each in (axis, LUMINANCE))
    if found < max(MIN_CONTRAST, CLEARLY * known):
        return None
    # ink covers less than paper, and so lies farther from the mean
    return np.asarray(-axis if ((detail @ axis) ** 3).mean() > 0 else axis, np.float32)


def _behind(light: Array, alpha: Array) -> Any:
    """What lies behind the transparent parts, (H, W) or a number, [0, 1].

    A card's own paper, where ink lies on it; behind ink alone what it contrasts with.
    """
    opaque = alpha > 0.5
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    ring = opaque & (cv2.erode(opaque.astype(np.uint8), cross, iterations=2) == 0)
    if ring.any():
        ink = opaque & (np.abs(light - _plane(light, ring)) > SAME_TONE)
        # the ink on a card lies inside; strokes in two tones have their edges in both
        if ink.sum() > MIN_INK * opaque.sum() and ink[ring].mean() < 0.5 * ink[opaque].mean():
            return _spread(light, opaque & ~ink)
    if alpha.mean() > 0.5:  # an empty card; ink covers less
        return float(np.median(light[opaque]))
    return float((light * alpha).sum() < 0.5 * alpha.sum() or not alpha.any())


def _spread(light: Array, known: Mask) -> Array:
    """Brightness of the nearest pixel that is known, (H, W)."""
    unknown = (~known).astype(np.uint8)
    pixels = cv2.DIST_LABEL_PIXEL
    _, labels = cv2.distanceTransformWithLabels(unknown, cv2.DIST_L2, 5, labelType=pixels)
    values = np.zeros(labels.max() + 1, np.float32)
    values[labels[known]] = light[known]
    return np.asarray(values[labels])


def _plane(light: Array, known: Mask) -> Array:
    """Brightness by least squares, (H, W), a plane through what is known: light may be uneven."""
    y, x = np.indices(light.shape, np.float32)
    terms = np.stack([np.ones_like(x), x, y])
    solution = np.linalg.lstsq(terms[:, known].T, light[known], rcond=None)[0]
    return np.asarray(np.tensordot(solution, terms, 1), np.float32)


def _floats(image: Image.Image) -> Array:
    return np.asarray(image, np.float32)
