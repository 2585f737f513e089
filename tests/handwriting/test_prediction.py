"""Predictions in Python, as rows and as a table."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import mnist_digits

from mnist_lightning import predict_images
from mnist_lightning.handwriting.prediction import Prediction
from mnist_lightning.handwriting.table import format_table

NAME = "a_rather_long_name[bold].png"
PREDICTIONS = [
    Prediction(Path(NAME), 7, 0.98, 1, 0.015),
    Prediction(Path("x"), remark="no digit"),
]


@pytest.mark.parametrize("name", ["=1+1.png", "-2.png", "+3.png", "@sum.png", "＝1+1.png", "＠a"])  # noqa: RUF001
def test_a_file_name_is_no_formula(name: str, workdir: Path) -> None:
    Path(name).touch()
    written = str(Prediction(Path(name)).to_row()[0])
    assert written == f"./{name}"
    assert Path(written).samefile(name)


def test_a_row_has_six_decimals_and_empty_cells() -> None:
    rows = [each.to_row() for each in PREDICTIONS]
    assert rows[0] == [NAME, 7, "0.980000", 1, "0.015000", "", ""]
    assert rows[1] == ["x", None, None, None, None, "no digit", ""]


def test_the_table_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    lines = re.sub(r"\x1b\[[\d;]*m", "", format_table(PREDICTIONS)).splitlines()
    assert max(map(len, lines)) <= 40
    assert lines[0].split() == ["File", "Digit", "Probability", "Runner-up"]
    assert lines[1].split()[1:] == ["7", "98.0%", "1", "1.5%"]
    folded = "".join(line[:9].strip() for line in lines[1:])
    assert folded == f"{NAME}xno digit", "folded, not cut, and no markup"


def test_lines_are_plain() -> None:
    assert format_table(PREDICTIONS).splitlines() == [
        "File                          Digit  Probability  Runner-up",
        f"{NAME}      7        98.0%     1 1.5%",
        "x  no digit",
    ]


def test_pictures_of_every_kind_are_read(
    reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    from pictures import KINDS, write_pictures

    images, labels = mnist_digits(len(KINDS))
    paths = []
    for i, kind in enumerate(KINDS):
        paths += write_pictures(images[i : i + 1], kind, tmp_path, seed=i)
    found = [each.digit for each in predict_images(paths, reader)]
    assert np.mean(np.array(found) == labels) > 0.7
