"""Pieces of ink: which belong together, and in which order they are read."""

import numpy as np
from PIL import Image, ImageDraw

from mnist_lightning.data.pictures.ink import find_ink
from mnist_lightning.data.pictures.pieces import Piece, find_lines, main_piece

Box = tuple[int, int, int, int]


def boxes(image: Image.Image) -> list[list[Box]]:
    ink = find_ink(np.asarray(image, np.float32) / np.float32(255))
    assert ink
    lines = find_lines(ink)
    assert any(main_piece(ink).left == each.left for line in lines for each in line)
    return [[(p.left, p.top, p.right, p.bottom) for p in line] for line in lines]


def rings(*places: tuple[int, int]) -> Image.Image:
    """Rings, 50 wide and 70 high, at their upper left corners."""
    image = Image.new("L", (500, 300), 255)
    for x, y in places:
        ImageDraw.Draw(image).ellipse([x, y, x + 49, y + 69], outline=0, width=8)
    return image


def test_lines_from_above_and_pieces_from_the_left() -> None:
    places = [(300, 190), (400, 30), (60, 40), (220, 20), (100, 200)]
    found = [[corner[:2] for corner in line] for line in boxes(rings(*places))]
    expected = [[(60, 40), (220, 20), (400, 30)], [(100, 200), (300, 190)]]
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(expected), atol=2)
    assert [len(line) for line in found] == [3, 2]


def test_a_small_part_belongs_to_the_digit_beside_it_and_dirt_to_none() -> None:
    image = rings((60, 40), (220, 20))
    draw = ImageDraw.Draw(image)
    draw.line([(115, 60), (140, 60)], fill=0, width=8)  # near the first
    draw.rectangle([400, 200, 405, 205], fill=0)
    ((first, second),) = boxes(image)
    np.testing.assert_allclose(first, (60, 40, 141, 110), atol=2)
    np.testing.assert_allclose(second, (220, 20, 270, 90), atol=2)


def test_a_piece_is_parted_by_leaning_lines_and_joined_again() -> None:
    mask = np.ones((40, 60), bool)
    mask[:5, :10] = False
    whole = Piece(mask, 7, 9)
    left, right = (whole.between(*ends, 0.5) for ends in ((-60, 30), (30, 120)))
    assert left
    assert right
    rows, columns = np.nonzero(mask)
    leans = columns + 0.5 * (rows - 20)
    assert left.mask.sum() == (leans < 30).sum()
    again = left.join(right)
    assert (again.left, again.top) == (7, 9)
    assert (again.mask == mask).all()
    assert whole.between(100, 120, 0.0) is None
    assert whole.profile(0).tolist() == mask.sum(0).tolist()
