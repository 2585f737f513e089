"""Segmentation: which pixels of a picture are a digit's ink."""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from mnist_lightning.data.pictures.components import Components
from mnist_lightning.data.pictures.paper import (
    Array,
    contrast_to_paper,
    otsu_threshold,
    resize,
)

SEARCH_SIZE = 400  # pixels of the longer side at which a digit is looked for
STROKES = (32, 64)  # widths that a stroke may have at most, in pixels of PAPER_SIZE
MIN_WORTH = 0.15  # of a digit's largest component
INK = (0.4, 0.55, 0.7)  # shares of a digit's contrast at which its outline may lie
COUNTER = 3.0  # a digit is at most so much wider in its stroke than what it encloses


@dataclass(frozen=True)
class Ink:
    """The ink of a picture: its components at a threshold, and which of them is a digit's."""

    components: Components
    threshold: float
    main: int  # label of the largest component of a digit
    worth: float  # of it, [0, 1]
    box: NDArray[np.int32]  # of its darker part: left, top, width, height
    width: float  # of its stroke
    dark: bool  # on light paper
    stroke: int  # of STROKES


def find_ink(grey: Array) -> Ink | None:
    """Find a digit's ink in (H, W) float32, [0, 1], dark on light or light on dark, or None.

    The picture is searched for dark and for light ink, on paper that is estimated for narrow and
    for broad strokes; the component that looks most like a digit decides.
    """
    scale = min(1, SEARCH_SIZE / max(grey.shape))
    small = resize(grey, scale) if scale < 1 else grey
    found = [_search(small, *way) for way in product((True, False), STROKES)]
    inks = sorted((ink for ink in found if ink), key=lambda ink: -ink.worth)
    if not inks:
        return None
    best = inks[0]
    for other in inks[1:]:
        if other.dark != best.dark and other.worth > 0.4 * best.worth and _encloses(other, best):
            best = other
    finer = _search(grey, best.dark, best.stroke) if scale < 1 else None
    return finer or best  # what is found in the small picture is not lost


def _encloses(other: Ink, best: Ink) -> bool:
    """Whether the best is only what a digit encloses, or only the sheet that it stands on."""
    if _lies_in(best, other):
        return other.width < COUNTER * best.width
    return _lies_in(other, best) and best.width > (COUNTER + 1) * other.width


def _lies_in(inner: Ink, outer: Ink) -> bool:
    corner, size = inner.box[:2], inner.box[2:]
    start, extent = outer.box[:2], outer.box[2:]
    return bool((corner >= start).all() and (corner + size <= start + extent).all())


def _search(grey: Array, dark: bool, stroke: int) -> Ink | None:
    contrast = contrast_to_paper(grey if dark else 1 - grey, stroke)
    threshold = otsu_threshold(contrast)
    components = Components.of(contrast, threshold)
    worths = components.worths()
    main = int(worths.argmax())
    if worths[main] < MIN_WORTH:
        return None
    box, width = components.boxes[main], float(components.widths[main])
    ink = Ink(components, threshold, main, float(worths[main]), box, width, dark, stroke)
    return _with_faint_strokes(ink)


def _with_faint_strokes(ink: Ink) -> Ink:
    """Lower the threshold as far as the digit does not run into the picture's edge."""
    contrast, core = ink.components.contrast, ink.components.labels == ink.main
    level = float(np.percentile(contrast.weber[core], 75))
    edge = ink.components.edge_shares[ink.main] + 0.01
    for share in INK:
        threshold = max(contrast.floor, share * level)
        if threshold >= ink.threshold:
            break
        weak = Components.of(contrast, threshold)
        main = int(np.bincount(weak.labels[core]).argmax())
        if weak.edge_shares[main] <= edge:
            return replace(ink, components=weak, threshold=threshold, main=main)
    return ink
