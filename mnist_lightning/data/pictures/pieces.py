"""Pieces of a picture's ink, in lines from left to right, as people write."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lightning.data.pictures.components import Components, Mask
from mnist_lightning.data.pictures.ink import Ink

SPECK = 0.05  # share of the digit's largest component's area below which another is dirt
NEAR = 0.35  # of its height: how far off a small part of a digit lies
ALIKE = (0.4, 2.5)  # heights and strokes of other digits, to those of the first
CONTRAST = 0.5  # of their ink, to that of the first
MOST = 40  # digits in a picture; more are texture


@dataclass(frozen=True)
class Piece:
    """A part of the ink, and where it lies in the picture."""

    mask: Mask  # (h, w)
    left: int
    top: int

    @property
    def right(self) -> int:
        """Column behind the last."""
        return int(self.left + self.mask.shape[1])

    @property
    def bottom(self) -> int:
        """Row below the last."""
        return int(self.top + self.mask.shape[0])

    def join(self, other: "Piece") -> "Piece":
        """Both as one."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        width = max(self.right, other.right) - left
        mask = np.zeros((max(self.bottom, other.bottom) - top, width), bool)
        for piece in (self, other):
            y, x = piece.top - top, piece.left - left
            mask[y : y + piece.mask.shape[0], x : x + piece.mask.shape[1]] |= piece.mask
        return Piece(mask, left, top)

    def between(self, start: float, stop: float, slant: float) -> "Piece | None":
        """What lies from ``start`` to before ``stop``, or None.

        Columns are counted in the piece at half its height, and lean to the right by ``slant``
        columns a row.
        """
        height, width = self.mask.shape
        rows, columns = np.mgrid[:height, :width]
        places = columns + slant * (rows - height / 2)
        return self._tight(self.mask & (start <= places) & (places < stop))

    def profile(self, slant: float) -> NDArray[np.int64]:
        """Pixels of ink in each leaning column, (w,)."""
        rows, columns = np.nonzero(self.mask)
        places = np.rint(columns + slant * (rows - self.mask.shape[0] / 2)).astype(int)
        width = self.mask.shape[1]
        return np.bincount(places.clip(0, width - 1), minlength=width)

    def _tight(self, mask: Mask) -> "Piece | None":
        if not mask.any():
            return None
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        tight = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return Piece(tight, int(self.left + columns[0]), int(self.top + rows[0]))


def find_lines(ink: Ink) -> list[list[Piece]]:
    """Lines of pieces, each a digit, a large part of one, or digits that touch."""
    large, small = _select(ink)
    parts = ink.components
    owners: dict[int, list[int]] = {i: [i] for i in large}
    for i in small:
        gaps = [_gap(parts, i, j) for j in large]
        nearest = int(np.argmin(gaps))
        if gaps[nearest] < NEAR * parts.boxes[large[nearest], 3]:
            owners[large[nearest]].append(i)
    return _arrange([_piece(parts, labels) for labels in owners.values()])


def main_piece(ink: Ink) -> Piece:
    """The digit that stands out most, with the small parts beside it."""
    pieces = [piece for line in find_lines(ink) for piece in line]
    rows, columns = np.nonzero(ink.components.labels == ink.main)
    y, x = int(rows[0]), int(columns[0])
    here = (p for p in pieces if p.top <= y < p.bottom and p.left <= x < p.right)
    return next(p for p in here if p.mask[y - p.top, x - p.left])


def _select(ink: Ink) -> tuple[list[int], list[int]]:
    """Labels of what is as large as the main component, and of what may be a part of a digit."""
    parts, main = ink.components, ink.main
    edge = parts.edge_shares
    kept = (parts.areas > SPECK * parts.areas[main]) & (parts.gaps > CONTRAST * parts.gaps[main])
    kept &= (edge == 0) | (edge[main] > 0)
    strokes, heights = parts.widths / parts.widths[main], parts.boxes[:, 3] / parts.boxes[main, 3]
    kept &= strokes > ALIKE[0]
    kept[[0, main]] = False, True
    large = kept & (heights > ALIKE[0]) & (heights < ALIKE[1]) & (strokes < ALIKE[1])
    if large.sum() > MOST:
        large[:] = False
    large[main] = True
    return [*map(int, np.flatnonzero(large))], [*map(int, np.flatnonzero(kept & ~large))]


def _gap(parts: Components, i: int, j: int) -> float:
    """Pixels between two components' boxes."""
    start = np.maximum(parts.boxes[i, :2], parts.boxes[j, :2])
    ends = (parts.boxes[k, :2] + parts.boxes[k, 2:] for k in (i, j))
    return float(np.hypot(*np.maximum(start - np.minimum(*ends), 0)))


def _piece(parts: Components, labels: list[int]) -> Piece:
    corners = parts.boxes[labels, :2]
    left, top = map(int, corners.min(0))
    right, bottom = (corners + parts.boxes[labels, 2:]).max(0)
    inside: NDArray[Any] = parts.labels[top:bottom, left:right]
    return Piece(np.isin(inside, labels), left, top)


def _arrange(pieces: list[Piece]) -> list[list[Piece]]:
    """Lines from above, in which each piece overlaps the line's middle height by half."""
    lines: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda each: each.left):
        for line in lines:
            last = line[-1]
            shared = min(piece.bottom, last.bottom) - max(piece.top, last.top)
            if shared > 0.5 * min(piece.mask.shape[0], last.mask.shape[0]):
                line.append(piece)
                break
        else:
            lines.append([piece])
    return sorted(lines, key=lambda line: float(np.mean([each.top for each in line])))
