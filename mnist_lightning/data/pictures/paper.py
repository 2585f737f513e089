"""Contrast: how far each pixel of a picture stands out from the paper behind it."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

PAPER_SIZE = 96  # pixels of the longer side at which the paper is estimated
MIN_CONTRAST = 0.1  # of ink, as a share of the paper's brightness
DARKEST = 0.25  # share of the brightest paper that darker paper counts as, for its noise
NOISE_DEVIATIONS = 5.0  # standard deviations of the paper's noise by which ink stands out
SMOOTHING = (1 / 500, 1 / 200)  # shares of the longer side; the second for rough paper
TYPICAL = 0.6  # share of the strongest ink's contrast above which Otsu's threshold is not believed


class Contrast(NamedTuple):
    """Of dark ink on light paper."""

    grey: Array  # (H, W), [0, 1], 0 black: the picture
    paper: Array  # (H, W): the same without its ink
    weber: Array  # (H, W): their difference as a share of the paper
    floor: float  # the least of it that can be ink


def contrast_to_paper(grey: Array, stroke: int) -> Contrast:
    """Weber contrast of (H, W) float32, [0, 1], to the paper that a closing estimates.

    A closing covers what is darker than its surroundings and no wider than ``stroke``, in pixels of
    a picture of 96 a side. It is taken of what uneven light leaves, as that has no slopes.
    """
    side = max(grey.shape)
    coarse = resize(grey, min(1, PAPER_SIZE / side))
    light = _fit_light(_close(coarse, stroke))
    paper = light + _close(coarse - light, stroke)
    # a table's soft edge is no ink on the paper beside it
    away = cv2.erode(paper, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    paper = np.asarray(cv2.resize(away, grey.shape[::-1], interpolation=cv2.INTER_LINEAR))
    darkest = max(MIN_CONTRAST, DARKEST * float(np.percentile(paper, 95)))
    weber = (paper - grey) / np.maximum(paper, darkest)
    for share in SMOOTHING:
        weber = cv2.GaussianBlur(weber, (0, 0), max(side * share, 0.1))
        noise = np.abs(weber - cv2.blur(weber, (max(side // 20, 3),) * 2))
        # 1.4826 medians of |x| are a normal law's standard deviation; ink hardly moves a median
        floor = NOISE_DEVIATIONS * 1.4826 * float(np.median(noise))
        if floor < 0.8 * MIN_CONTRAST:
            break
    return Contrast(grey, paper, weber, max(MIN_CONTRAST, floor))


def otsu_threshold(contrast: Contrast) -> float:
    """Threshold that parts ink from soft edges, stains and ruling, all above floor: Otsu (1979)."""
    inked = contrast.weber[contrast.weber > contrast.floor]
    if not inked.size:
        return 1.0
    counts, edges = np.histogram(inked, 128, (contrast.floor, 1))
    below = counts.cumsum()
    above = below[-1] - below
    sums = (counts * (edges[:-1] + edges[1:]) / 2).cumsum()
    gaps = sums / np.maximum(below, 1) - (sums[-1] - sums) / np.maximum(above, 1)
    otsu = float(edges[1:][np.argmax(below * above * gaps**2)])
    # fine lines would be cut in two where their pixels are not all alike
    return min(otsu, TYPICAL * float(np.percentile(inked, 95)))


def resize(image: Array, scale: float) -> Array:
    """Scale (H, W) down, each pixel the mean of those it covers."""
    height, width = (max(1, round(n * scale)) for n in image.shape)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def _close(image: Array, size: int) -> Array:
    kernel = np.ones((size, size), np.uint8)
    closed = cv2.morphologyEx(image, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(closed)


def _fit_light(coarse: Array) -> Array:
    """Uneven light by least squares: a polynomial of degree 2."""
    height, width = coarse.shape
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    powers = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y]).reshape(6, -1)
    solution = np.linalg.lstsq(powers @ powers.T, powers @ coarse.ravel(), rcond=None)[0]
    return np.asarray((solution @ powers).reshape(coarse.shape), np.float32)
