"""Predictions as a table, and as files."""

import csv
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from mnist_lightning.data.pictures.picture_dataset import NO_DIGIT, PictureDataset
from mnist_lightning.errors import DataError, printable
from mnist_lightning.files import atomic_write

if TYPE_CHECKING:
    from mnist_lightning.handwriting.prediction import Prediction

INPUTS = "predict_inputs"  # folder of what the network saw


def format_table(predictions: "Sequence[Prediction]") -> str:
    """Lay out as text: to a terminal's width, or one line each where there is no terminal."""
    console = Console()
    console.width = console.width if console.is_terminal else 10_000  # what is piped is not wrapped
    named = any(isinstance(each.digit, str) for each in predictions)
    names = ("Class" if named else "Digit", "Probability", "Runner-up")
    numbers = (Column(name, justify="right", no_wrap=True) for name in names)
    table = Table(Column("File", overflow="fold"), *numbers, box=None, pad_edge=False)
    for each in predictions:
        file = Text(printable(each.file.name))
        if each.remark:
            file.append("\n" if console.is_terminal else "  ").append(each.remark, "yellow")
            table.add_row(file)
        else:
            second = f"{each.runner_up} {each.runner_up_probability:.1%}"
            table.add_row(file, str(each.digit), f"{each.probability:.1%}", second)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def write_table(path: Path, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a CSV file with a header."""
    with atomic_write(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])


def write_predictions(path: Path, predictions: "Sequence[Prediction]", noun: str) -> None:
    """Write the fields of each prediction; ``noun`` is what its class is called."""
    names = [field.name for field in fields(predictions[0])]
    names[1] = noun
    write_table(path, names, [each.to_row() for each in predictions])


def save_inputs(pictures: PictureDataset, folder: Path) -> None:
    """Save what the network saw of each picture, (28, 28) uint8."""
    folder.mkdir(exist_ok=True)
    # whole names where a.png and a.jpg lie side by side; some systems take A for a
    alone = len({file.stem.lower() for file in pictures.files}) == len(pictures.files)
    for file, digit in zip(pictures.files, pictures.digits, strict=True):
        if digit is not None:
            with atomic_write(folder / f"{file.stem if alone else file.name}.png") as draft:
                Image.fromarray(digit).save(draft)


def refuse_unreadable(predictions: "Sequence[Prediction]", path: Path) -> None:
    """Raise a DataError where none of the pictures at a path could be read."""
    if all(each.remark not in ("", NO_DIGIT) for each in predictions):
        raise DataError(f"predict_path is {printable(str(path))}: nothing there can be read")
