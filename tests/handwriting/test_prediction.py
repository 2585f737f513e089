"""Predictions in Python, as rows and as a table."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import mnist_digits

from mnist_lightning import predict_images
from mnist_lightning.handwriting.prediction import Prediction, to_number, to_prediction
from mnist_lightning.handwriting.table import format_table

NAME = "a_rather_long_name[bold].png"
PREDICTIONS = [
    Prediction(Path(NAME), 7, 0.98, 1, 0.015),
    Prediction(Path("x"), remark="no digit"),
]
NUMBER = to_number(
    Path("n.png"),
    [
        [Prediction(Path("n.png"), 1, 0.9, 7, 0.05), Prediction(Path("n.png"), 0, 0.8, 6, 0.1)],
        [Prediction(Path("n.png"), 4, 0.5, 9, 0.4, "unsure: 4 or 9")],
    ],
)


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


def test_an_unsure_digit_is_given_with_what_else_it_may_be() -> None:
    row = torch.tensor([0.0, 0, 0, 0, 0.55, 0, 0, 0, 0, 0.45])
    found = to_prediction(Path("x"), row, "0123456789")
    assert (found.digit, found.runner_up, found.remark) == (4, 9, "unsure: 4 or 9")
    assert (found.number, found.digits) == ("4", ())
    row[4], row[9] = 0.61, 0.39
    assert to_prediction(Path("x"), row, "0123456789").remark == ""


def test_a_number_is_text_and_the_least_sure_digit_makes_the_next() -> None:
    assert (NUMBER.digit, NUMBER.number, NUMBER.runner_up) == ("10\n4", "10\n4", "10\n9")
    assert NUMBER.probability == pytest.approx(0.9 * 0.8 * 0.5)
    assert NUMBER.runner_up_probability == pytest.approx(0.9 * 0.8 * 0.4)
    assert NUMBER.remark == "unsure: 10 / 4 or 10 / 9"
    row = ["10\n4", "0.360000", "10\n9", "0.288000", NUMBER.remark]
    assert NUMBER.to_row() == ["n.png", *row, "1:0.900000 0:0.800000 4:0.500000"]


@pytest.mark.parametrize("columns", [40, 80])
def test_a_number_in_the_table(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    piped = format_table([NUMBER]).splitlines()[1:]
    each = "1 90.0%, 0 80.0%, 4 50.0%"
    cells = "10 / 4        36.0%  10 / 9 28.8%"
    assert piped == [f"n.png  {NUMBER.remark}  {each}  {cells}"]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = re.sub(r"\x1b\[[\d;]*m", "", format_table([NUMBER])).splitlines()
    assert max(map(len, lines)) <= columns
    assert lines[0].split() == ["File", "Digit", "Probability", "Runner-up"]
    if columns == 80:
        assert lines[1].split() == ["n.png", *cells.split()]
        assert [line.strip() for line in lines[2:]] == [NUMBER.remark, each]


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
