"""Connected components of a picture's ink, and how much each looks like a digit's."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mnist_lightning.data.pictures.paper import Contrast

Mask = NDArray[np.bool_]
Values = NDArray[np.float64]

MIN_SPAN = 0.03  # share of the picture's longer side that a digit spans
MIN_ASPECT = 0.03  # width by span of a stroke; a finer one that ends at the edge is a ruled line
FAT = 0.4  # width by span of what is a blot rather than a stroke
SHEET = 0.33  # width by span of a sheet of paper
RECTANGULAR = 0.87  # share of its rectangle that a sheet fills, an ellipse fills 0.79
PLAUSIBLE = 4  # components that are looked at closely
EDGE_WORTH = 0.27  # the least worth of what the picture's edge cuts: corners and slivers have less


@dataclass(frozen=True)
class Components:
    """Components of a mask, and measures of each, (N,); the first is the ground."""

    contrast: Contrast
    labels: NDArray[np.int32]  # (H, W)
    areas: Values  # pixels
    boxes: NDArray[np.int32]  # (N, 4): left, top, width, height
    widths: Values  # of the stroke: in a strip, a quarter is the mean distance to the edge
    tones: Values  # mean brightness
    gaps: Values  # mean difference to the paper's

    @classmethod
    def of(cls, contrast: Contrast, threshold: float) -> "Components":
        """Label what stands out by more than a threshold."""
        mask = contrast.weber > threshold
        ink = mask.astype(np.uint8)
        n, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
        depth = 4 * cv2.distanceTransform(ink, cv2.DIST_L2, 5)
        areas = np.maximum(stats[:, cv2.CC_STAT_AREA], 1).astype(float)
        widths, tones, gaps = (
            np.bincount(labels[mask], values[mask], n) / areas
            for values in (depth, contrast.grey, contrast.paper - contrast.grey)
        )
        boxes = np.asarray(stats[:, :4], np.int32)
        return cls(contrast, np.asarray(labels, np.int32), areas, boxes, widths, tones, gaps)

    @property
    def spans(self) -> NDArray[np.int32]:
        """Pixels of the longer side."""
        return np.asarray(self.boxes[:, 2:].max(axis=1))

    @property
    def edge_shares(self) -> Values:
        """Share of the picture's outermost pixels that each takes."""
        rows, columns = self.labels[[0, -1]], self.labels[1:-1, [0, -1]]
        edge = np.concatenate([rows.ravel(), columns.ravel()])
        return np.asarray(np.bincount(edge, minlength=len(self.areas)) / len(edge))

    def worths(self) -> Values:
        """How much each looks like a digit, [0, 1]: by size, contrast, stroke, outline, place."""
        side = max(self.labels.shape)
        dark, light = np.percentile(self.contrast.grey, [1, 99])
        strength = np.clip(self.gaps / max(light - dark, 0.05), 0, 1)
        strokes = np.interp(self.widths / self.spans, [FAT, 0.7], [1, 0.1])
        edge = self.edge_shares
        worths = np.asarray(np.sqrt(self.spans / side) * strength * strokes)
        worths *= np.where(edge > 0, 0.6 * (1 - edge) ** 4, 1)
        ruled = (edge > 0) & (self.widths < MIN_ASPECT * self.spans)
        worths[ruled | (self.spans < max(MIN_SPAN * side, 5))] = 0
        worths[0] = 0
        best = worths.argsort()[-PLAUSIBLE:]
        looked_at = np.zeros_like(worths)
        for i in best[worths[best] > 0]:
            looked_at[i] = worths[i] * self._plausibility(int(i))
        looked_at[(edge > 0) & (looked_at < EDGE_WORTH)] = 0
        return looked_at

    def _plausibility(self, i: int) -> float:
        """Factor, [0, 1], that is small where there is no step outside, or a sheet of paper."""
        reach = max(3, min(round(0.6 * self.widths[i]), max(self.labels.shape) // 25))
        left, top, width, height = self.boxes[i]
        here = np.s_[
            max(top - 2 * reach, 0) : top + height + 2 * reach,
            max(left - 2 * reach, 0) : left + width + 2 * reach,
        ]
        outline = _outline(self.labels[here] == i)
        filled = cv2.drawContours(np.ones(self.labels[here].shape, np.uint8), [outline], 0, 0, -1)
        distance = cv2.distanceTransform(filled, cv2.DIST_L2, 3)
        ring = (distance > reach / 2) & (distance <= reach)
        if not ring.any():
            return 1.0
        steps = (self.contrast.grey[here][ring] - self.tones[i]) / max(self.gaps[i], 0.02)
        step = float(np.interp(np.clip(steps, -1, 1).mean(), [0.5, 0.8], [0.05, 1]))
        return step * (0.1 if self._is_sheet(i, outline) else 1)

    def _is_sheet(self, i: int, outline: NDArray[np.int32]) -> bool:
        """Whether it is a rectangle that is filled, or has something on it."""
        area = cv2.contourArea(outline)
        (_, sides, _) = cv2.minAreaRect(outline)
        filled = self.widths[i] > SHEET * self.spans[i]
        written_on = area - self.areas[i] > 0.01 * area
        return bool((filled or written_on) and area > RECTANGULAR * sides[0] * sides[1])


def _outline(piece: Mask) -> NDArray[np.int32]:
    contours, _ = cv2.findContours(
        piece.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE
    )
    return np.asarray(contours[0])
