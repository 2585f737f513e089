"""What a network takes an image for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text
from torch import Tensor

from mnist_lightning.data.pictures.folder import OwnImages
from mnist_lightning.errors import printable

HEADER = ("file", "digit", "probability", "runner_up", "runner_up_probability", "remark")
FORMULA = ("=", "+", "-", "@")  # what a spreadsheet would compute


@dataclass(frozen=True)
class Prediction:
    """The two most probable digits of a file, or why there are none.

    Attributes:
        file: The image.
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

    def answer(self) -> tuple[str, str, str]:
        """Digit, probability and runner-up in words; empty where there is a remark."""
        if self.digit is None:
            return "", "", ""
        second = f"{self.runner_up} {self.runner_up_probability:.1%}"
        return str(self.digit), f"{self.probability:.1%}", second

    def row(self) -> list[str]:
        """The columns of ``HEADER``; a file's name is never a formula."""
        chances = (self.probability, self.runner_up_probability)
        first, second = ("" if chance is None else f"{chance:.6f}" for chance in chances)
        digit, other = ("" if each is None else str(each) for each in (self.digit, self.runner_up))
        file = printable(str(self.file))
        safe = f"./{file}" if file.startswith(FORMULA) else file  # the same file
        return [safe, digit, first, other, second, self.remark]


def predictions_of(images: OwnImages, probabilities: Iterable[Tensor]) -> list[Prediction]:
    """Say what each file shows.

    Args:
        images: The files, all read.
        probabilities: (C,) float for each file, in their order.
    """
    found = []
    for file, remark, chances in zip(images.files, images.remarks, probabilities, strict=False):
        (first, second), (digit, other) = (each.tolist() for each in chances.topk(2))
        answer = Prediction(file, digit, first, other, second)
        found.append(Prediction(file, remark=remark) if remark else answer)
    return found


def as_lines(predictions: Sequence[Prediction]) -> list[str]:
    """Lay predictions out as text, a line each, under a line of names."""
    names = ["File", *(printable(each.file.name) for each in predictions)]
    answers = [("Digit", "Probability", "Runner-up"), *(each.answer() for each in predictions)]
    remarks = ["", *(each.remark for each in predictions)]
    width = max(map(len, names))
    return [
        f"{name:<{width}}  {remark or f'{digit:>5}  {chance:>11}  {other:>9}'}"
        for name, (digit, chance, other), remark in zip(names, answers, remarks, strict=True)
    ]


def as_table(predictions: Iterable[Prediction]) -> Table:
    """Lay predictions out for a terminal of any width; long names are folded."""
    table = Table("File", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    for name in ("Digit", "Probability", "Runner-up"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in predictions:
        file = Text(printable(each.file.name))
        if each.remark:
            file.append(f"\n{each.remark}", style="yellow")
        table.add_row(file, *each.answer())
    return table
