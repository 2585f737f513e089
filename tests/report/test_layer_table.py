"""The table of layers against the original's."""

from mnist_lightning import MNISTClassifier
from mnist_lightning.report.layer_table import format_table, layers


def test_lists_the_layers_of_the_original() -> None:
    rows = [row for row in layers(MNISTClassifier()) if "relu" not in row[0]]
    assert [(shape, parameters) for _, shape, parameters in rows] == [
        ("(B, 32, 26, 26)", 320),
        ("(B, 64, 24, 24)", 18_496),
        ("(B, 64, 22, 22)", 36_928),
        ("(B, 64, 11, 11)", 0),
        ("(B, 7744)", 0),
        ("(B, 128)", 991_360),
        ("(B, 10)", 1_290),
    ]
    table = format_table(rows).splitlines()
    assert table[-1].split() == ["Total", "1,048,394"]
    assert max(map(len, table)) <= 80
