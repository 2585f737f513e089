"""The table of layers against the original's."""

from mnist_lightning import MNISTClassifier
from mnist_lightning.report.layer_table import format_table, layers


def test_lists_the_layers_of_the_original() -> None:
    rows = [row for row in layers(MNISTClassifier()) if "relu" not in row[0]]
    shapes = ["32, 26, 26", "64, 24, 24", "64, 22, 22", "64, 11, 11", "7744", "128", "10"]
    assert [shape for _, shape, _ in rows] == [f"(B, {shape})" for shape in shapes]
    assert [count for *_, count in rows] == [320, 18_496, 36_928, 0, 0, 991_360, 1_290]
    table = format_table(rows).splitlines()
    assert table[-1].split() == ["Total", "1,048,394"]
    assert max(map(len, table)) <= 79
