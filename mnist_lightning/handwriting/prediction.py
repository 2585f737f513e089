"""Predictions for pictures of digits, and a table of them."""

import unicodedata
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor

from mnist_lightning.data.pictures.picture_dataset import PictureDataset
from mnist_lightning.errors import printable

FORMULA = ("=", "+", "-", "@")  # what a spreadsheet would compute
UNLIMITED = 10_000  # columns: what is piped is not wrapped


@dataclass(frozen=True)
class Prediction:
    """The two most probable digits of a picture, or why there are none.

    Attributes:
        file: The picture.
        digit: 0 to 9; None, as the next three, where there is a remark.
        probability: Of the digit, [0, 1].
        runner_up: The next digit.
        runner_up_probability: Of the next digit, [0, 1].
        remark: ``no digit``, or why the file cannot be read; else empty.
    """

    file: Path
    digit: int | None = None
    probability: float | None = None
    runner_up: int | None = None
    runner_up_probability: float | None = None
    remark: str = ""

    def to_row(self) -> list[object]:
        """The fields for a CSV file, where a file's name is never a formula."""
        name = printable(str(self.file))
        # a full-width sign is computed too; with ./ it is the same file
        formula = unicodedata.normalize("NFKC", name).startswith(FORMULA)
        values = (f"{x:.6f}" if isinstance(x, float) else x for x in astuple(self)[1:])
        return [f"./{name}" if formula else name, *values]


def to_predictions(pictures: PictureDataset, probabilities: Iterable[Tensor]) -> list[Prediction]:
    """Take the top two classes of each picture, by its probabilities, (C,) float."""
    predictions = []
    for file, remark, row in zip(pictures.files, pictures.remarks, probabilities, strict=False):
        (first, second), (digit, runner_up) = (each.tolist() for each in row.topk(2))
        found = Prediction(file, digit, first, runner_up, second)
        predictions.append(Prediction(file, remark=remark) if remark else found)
    return predictions


def format_table(predictions: Iterable[Prediction]) -> str:
    """Lay out as text: to a terminal's width, or one line each where there is no terminal."""
    console = Console()
    console.width = console.width if console.is_terminal else UNLIMITED
    table = Table("File", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    for name in ("Digit", "Probability", "Runner-up"):
        table.add_column(name, justify="right", no_wrap=True)
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
