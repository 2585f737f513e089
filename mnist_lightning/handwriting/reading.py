"""Reading: the digits in a picture, line by line from left to right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, log

import numpy as np
from torch import Tensor

from mnist_lightning.data.pictures.framing import Digit, frame
from mnist_lightning.data.pictures.ink import Ink
from mnist_lightning.data.pictures.pieces import Piece, find_lines, main_piece

SLANTS = (-0.15, 0.1, 0.35)  # columns a row by which touching digits are parted
CUTS = 5  # places in a height's width at which they may be parted, the thinnest
JOINED = 3  # pieces that may be one digit with broken strokes
WIDE, LONG = 1.5, 5  # width by height, at most, of a digit and of digits that touch
MOST_BROKEN = 7  # parts of a digit that lie in several lines
MOST_PARTED = 4  # pieces in a picture that are parted, which takes time
NARROW, SLICE = 0.12, 0.4  # of a part of digits that touch, at least; of one as narrow as a 1
APART = 0.35  # of its height: pieces further from each other are no digit together
# Costs, in units of the logarithm of a probability: of a part, of one as narrow as a 1, which every
# scribble can be cut into, and of what is no digit.
PARTED, SLICED, REFUSED = 0.3, 1.0, 6.0
# What a part may cost on average: in a line with other digits, and where nothing else is there.
CONVINCED, ALONE = 0.8, 0.55
LEAST = 1e-6  # probability that is taken at least


@dataclass(frozen=True)
class Glyph:
    """A piece of ink as a network sees and reads it."""

    piece: Piece
    image: Digit  # (28, 28) uint8
    probabilities: Tensor  # (C,) float
    digit_probability: float  # that it is a digit at all, [0, 1]

    @property
    def cost(self) -> float:
        """Of taking it for one digit: the negative logarithm of its probability, or more."""
        probability = self.digit_probability * float(self.probabilities.max())
        likely = probability if probability > LEAST else LEAST  # or is no number
        return -log(likely) + (0 if self.digit_probability > 0.5 else REFUSED)

    def holds(self, ink: Ink) -> bool:
        """Whether it is a part of the ink's main component, or that of it."""
        mask, piece = ink.components.labels == ink.main, self.piece
        here = mask[piece.top : piece.bottom, piece.left : piece.right]
        return bool((here & piece.mask).any())


Judge = Callable[[Sequence[Digit]], tuple[Tensor, Tensor]]  # probabilities, (B, C), and of a digit


def read_lines(ink: Ink, judge: Judge) -> list[list[Glyph]]:
    """Read the ink: of all ways to part it into digits, the most probable.

    Pieces side by side are one digit or several, and a piece is one digit or several that touch;
    what the network takes for one digit decides, as it has learned that a clump of digits is none.
    """
    reader, lines = _Reader(ink, judge), find_lines(ink)
    if (stacked := _stacked(lines)) is not None:
        # broken strokes lie above each other, too; two rows of digits are no digit
        (whole,) = reader.look([stacked])
        if whole.digit_probability > 0.5:
            return [[whole]]
    return [reader.read(line) for line in lines]


def read_whole(ink: Ink, judge: Judge) -> Glyph:
    """Read the piece of ink that stands out most, whatever it is."""
    return _Reader(ink, judge).look([main_piece(ink)])[0]


class _Reader:
    def __init__(self, ink: Ink, judge: Judge) -> None:
        self.ink, self.judge, self.parted = ink, judge, 0

    def read(self, line: list[Piece]) -> list[Glyph]:
        spans = {
            (i, j): piece
            for i in range(len(line))
            for j in range(i + 1, min(i + JOINED, len(line)) + 1)
            if (piece := _joined(line[i:j]))
        }
        glyphs = dict(zip(spans, self.look(list(spans.values())), strict=True))
        ways = {span: [glyph] for span, glyph in glyphs.items()}
        costs = {span: glyph.cost for span, glyph in glyphs.items()}
        for i in range(len(line)):
            parts, cost = self.part(glyphs[i, i + 1], ALONE if len(line) == 1 else CONVINCED)
            if cost < costs[i, i + 1]:
                ways[i, i + 1], costs[i, i + 1] = parts, cost
        _, path = _cheapest(len(line), costs)
        return [glyph for span in path for glyph in ways[span]]

    def look(self, pieces: list[Piece]) -> list[Glyph]:
        images = [frame(self.ink, piece) for piece in pieces]
        probabilities, digits = self.judge(images)
        rows = zip(pieces, images, probabilities, digits.tolist(), strict=True)
        return [Glyph(*row) for row in rows]

    def part(self, glyph: Glyph, most: float) -> tuple[list[Glyph], float]:
        """Part digits that touch; the parts and their cost, which is infinite where there are none.

        What looks like one digit is not parted, nor are many pieces; ``most`` is what a part may
        cost on average.
        """
        piece = glyph.piece
        best: tuple[list[Glyph], float] = [], inf
        height, width = piece.mask.shape
        if glyph.digit_probability > 0.5 or not 0.5 * height <= width <= LONG * height:
            return best
        self.parted += 1
        if self.parted > MOST_PARTED:
            return best
        for slant in SLANTS:
            ends = [-width, *_thin_places(piece, slant), 2 * width]
            spans = {}
            for i, j in combinations(range(len(ends)), 2):
                part = piece.between(ends[i], ends[j], slant)
                if part and NARROW * height < part.mask.shape[1] < WIDE * part.mask.shape[0]:
                    spans[i, j] = part
            spans.pop((0, len(ends) - 1), None)  # the whole
            if not spans:
                continue
            glyphs = dict(zip(spans, self.look(list(spans.values())), strict=True))
            costs = {span: _part_cost(each) for span, each in glyphs.items()}
            cost, path = _cheapest(len(ends) - 1, costs)
            if cost < best[1] and cost < most * len(path):
                best = [glyphs[span] for span in path], cost
        return best


def _stacked(lines: list[list[Piece]]) -> Piece | None:
    """All pieces as one where they lie in several lines and near each other, or None."""
    whole, *rest = (piece for line in lines for piece in line)
    if len(lines) == 1 or len(rest) >= MOST_BROKEN:
        return None
    reach = APART * max(piece.mask.shape[0] for piece in [whole, *rest])
    while near := [piece for piece in rest if _gap(whole, piece) < reach]:
        whole = whole.join(near[0])
        rest.remove(near[0])
    return None if rest else whole


def _gap(one: Piece, other: Piece) -> int:
    """Pixels between two pieces, along the axis in which they lie further apart."""
    across = max(one.left, other.left) - min(one.right, other.right)
    return max(across, max(one.top, other.top) - min(one.bottom, other.bottom))


def _part_cost(glyph: Glyph) -> float:
    height, width = glyph.piece.mask.shape
    return glyph.cost + PARTED + (SLICED if width < SLICE * height else 0)


def _joined(pieces: list[Piece]) -> Piece | None:
    """One piece of several, or None where they lie too far apart."""
    whole = pieces[0]
    for piece in pieces[1:]:
        if piece.left - whole.right > APART * max(whole.mask.shape[0], piece.mask.shape[0]):
            return None
        whole = whole.join(piece)
    height, width = whole.mask.shape
    return whole if len(pieces) == 1 or width < WIDE * height else None


def _thin_places(piece: Piece, slant: float) -> list[int]:
    """Columns with the least ink among their neighbours, from left to right."""
    profile = np.convolve(piece.profile(slant), np.ones(3) / 3, "same")
    height = piece.mask.shape[0]
    reach = max(1, height // 12)
    inner = range(int(NARROW * height), len(profile) - int(NARROW * height))
    dips = [x for x in inner if profile[x] == profile[max(0, x - reach) : x + reach + 1].min()]
    apart: list[int] = []
    for x in sorted(dips, key=lambda x: profile[x]):
        if all(abs(x - other) > reach for other in apart):
            apart.append(x)
    return sorted(apart[: 1 + round(CUTS * len(profile) / height)])


def _cheapest(end: int, costs: dict[tuple[int, int], float]) -> tuple[float, list[tuple[int, int]]]:
    """Cheapest path from 0 to ``end`` over steps (i, j), and its cost."""
    best: list[tuple[float, list[tuple[int, int]]]] = [(0.0, []), *[(inf, [])] * end]
    for j in range(1, end + 1):
        for i in range(j):
            cost = best[i][0] + costs.get((i, j), inf)
            if cost < best[j][0]:
                best[j] = cost, [*best[i][1], (i, j)]
    return best[end]
