"""Predictions as a table, on a terminal and in a file."""

import csv
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from mnist_lightning.errors import printable
from mnist_lightning.files import atomic_write
from mnist_lightning.handwriting.scoring import is_read, is_right

if TYPE_CHECKING:
    from mnist_lightning.handwriting.prediction import Prediction


def format_table(predictions: "Sequence[Prediction]", labels: Sequence[str] = ()) -> str:
    """Lay out as text: to a terminal's width, or one line each where there is no terminal.

    Labels, "" where one is not known, get a column, in which misses are marked.
    """
    console = Console()
    console.width = console.width if console.is_terminal else 10_000  # what is piped is not wrapped
    named = any(isinstance(each.digit, str) and not each.digits for each in predictions)
    names = ["Class" if named else "Digit", "Probability", "Runner-up"]
    columns = [Column(name, justify="right", no_wrap=True) for name in names]
    if any(labels):
        columns.append(Column("True", no_wrap=True))
    table = Table(Column("File", overflow="fold"), *columns, box=None, pad_edge=False)
    # the same name in two folders is told by its path
    alone = len({each.file.name for each in predictions}) == len(predictions)
    for each, label in zip(predictions, labels or [""] * len(predictions), strict=True):
        file = Text(printable(each.file.name if alone else str(each.file)))
        cells: list[str | Text] = ["", "", ""]
        notes = [(each.remark, "yellow")] if each.remark else []
        if each.digit is not None:
            second = f"{in_a_line(str(each.runner_up))} {each.runner_up_probability:.1%}"
            cells = [in_a_line(each.number), f"{each.probability:.1%}", second]
        if each.digits:
            digits = (f"{one.number or '?'} {one.probability or 0:.1%}" for one in each.digits)
            notes.append((", ".join(digits), "dim"))
        for note in notes:
            file.append("\n" if console.is_terminal else "  ").append(*note)
        missed = label and is_read(each) and not is_right(each, label)
        true = Text(label).append("  missed" if missed else "", "red")
        table.add_row(file, *[*cells, true][: len(columns)])
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def in_a_line(number: str) -> str:
    """A number of several rows in one."""
    return number.replace("\n", " / ")


def write_table(path: Path, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a CSV file with a header."""
    with atomic_write(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])


def write_predictions(
    path: Path, predictions: "Sequence[Prediction]", noun: str, labels: Sequence[str] = ()
) -> None:
    """Write the fields of each prediction, and labels where any is known.

    ``noun`` is what a class is called.
    """
    names = [field.name for field in fields(predictions[0])]
    names[1] = noun
    rows = [each.to_row() for each in predictions]
    if any(labels):
        names.append("label")
        rows = [[*row, label] for row, label in zip(rows, labels, strict=True)]
    write_table(path, names, rows)
