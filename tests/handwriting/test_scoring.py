"""Scores of predictions with labels: what counts, and in which order misses are shown."""

from pathlib import Path

from mnist_lightning.handwriting.prediction import Prediction
from mnist_lightning.handwriting.scoring import find_misses, score_lines

FILE = Path("a.png")
SHOES = [
    Prediction(FILE, "Bag", 0.6, "Coat", 0.2),
    Prediction(FILE, "Bag", 0.9, "Coat", 0.1),
    Prediction(FILE, "Sneaker", 0.8, "Bag", 0.1),
    Prediction(FILE, remark="no digit"),
    Prediction(FILE, remark="damaged"),
    Prediction(FILE, "Bag", 0.99, "Coat", 0.01),
]
LABELS = ["Sneaker", "Sneaker", "Sneaker", "Bag", "Bag", ""]


def test_misses_are_read_labelled_and_the_most_certain_first() -> None:
    assert find_misses(SHOES, LABELS) == [1, 0, 3]


def test_each_class_has_a_row() -> None:
    lines = score_lines(SHOES, LABELS, "class")
    assert lines[0].startswith("4 pictures with a label: 1 classified correctly, 3 classified inc")
    assert lines[2:] == [
        "not counted, as they cannot be read: 1",
        "",
        "  class  pictures  right  predicted instead",
        "    Bag         1      0  no digit (1)",
        "Sneaker         3      1  Bag (2)",
    ]


def test_where_nothing_can_be_counted() -> None:
    only = score_lines([SHOES[4]], ["Bag"], "class")
    assert only == ["Pictures with a label not counted, as they cannot be read: 1"]
