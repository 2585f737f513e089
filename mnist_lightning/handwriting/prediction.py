"""Predictions for pictures of digits."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import prod
from pathlib import Path
from typing import Any

from torch import Tensor

from mnist_lightning.data.pictures.picture_dataset import PictureDataset
from mnist_lightning.data.source import class_labels
from mnist_lightning.errors import printable
from mnist_lightning.handwriting.table import format_table

NO_NUMBER = "the network's answer is no number"
UNREAD = "?"  # in a number, in place of what is no digit
SURE = 0.6  # probability of a digit below which the runner-up is named, too


@dataclass(frozen=True)
class Prediction:
    """The two most probable digits of a picture, or a remark that says why there are none.

    Of a network that reads other classes than digits they are the names of these. Of several digits
    they are the two most probable numbers: text such as ``"1042"``, a line for each row.

    Attributes:
        file: The picture.
        digit: The most probable; as the next three, None where there is none.
        probability: Its probability, [0, 1]; of a number that all its digits are right.
        runner_up: The next.
        runner_up_probability: Its probability, [0, 1].
        remark: Why there is no digit, or what it may also be: ``"unsure: 4 or 9"``; or "".
        digits: Of several digits each, from left to right and line by line.
    """

    file: Path
    digit: int | str | None = None
    probability: float | None = None
    runner_up: int | str | None = None
    runner_up_probability: float | None = None
    remark: str = ""
    digits: "tuple[Prediction, ...]" = ()

    @property
    def number(self) -> str:
        """The digit or digits as text, "" where there are none."""
        return "" if self.digit is None else str(self.digit)

    def to_row(self) -> list[object]:
        """The fields for a CSV file, where a file's name is never a formula."""
        name = printable(str(self.file))
        # a spreadsheet would compute it, full-width signs too; with ./ it is the same file
        formula = unicodedata.normalize("NFKC", name).startswith(("=", "+", "-", "@"))
        values = [getattr(self, field.name) for field in fields(self)[1:-1]]
        each = " ".join(f"{one.number}:{one.probability or 0:.6f}" for one in self.digits)
        texts = (f"{x:.6f}" if isinstance(x, float) else x for x in values)
        return [f"./{name}" if formula else name, *texts, each]


class Predictions(list[Prediction]):
    """Predictions in order, which print as a table."""

    def __init__(self, predictions: Iterable[Prediction], network: str) -> None:
        super().__init__(predictions)
        self.network = network  # says which one answered

    def __str__(self) -> str:
        """The table, and which network answered."""
        return f"{format_table(self)}\n{self.network}"


def to_probabilities(answer: Any) -> Tensor | None:
    """Probabilities, (B, C), of what a module answers: its own, or those of logits, or None."""
    if isinstance(answer, Mapping):
        answer = answer.get("probabilities")
        return answer if isinstance(answer, Tensor) else None
    logits = isinstance(answer, Tensor) and answer.dim() == 2 and answer.is_floating_point()
    return answer.softmax(dim=1) if logits else None


def to_predictions(
    pictures: PictureDataset, probabilities: Iterable[Tensor], classes: Sequence[str]
) -> list[Prediction]:
    """Take the top two classes of each picture, by its probabilities, (C,) float."""
    rows = zip(pictures.files, pictures.remarks, probabilities, strict=False)
    return [
        Prediction(file, remark=remark) if remark else to_prediction(file, row, classes)
        for file, remark, row in rows
    ]


def to_prediction(file: Path, row: Tensor, classes: Sequence[str]) -> Prediction:
    """Take the top two classes by probabilities, (C,) float; a remark where they are no numbers."""
    if not row.isfinite().all():
        return Prediction(file, remark=NO_NUMBER)
    (first, second), indices = (each.tolist() for each in row.topk(2))
    digit, runner_up = (class_labels(classes, len(row))[i] for i in indices)
    remark = "" if first >= SURE else f"unsure: {digit} or {runner_up}"
    return Prediction(file, digit, first, runner_up, second, remark)


def to_number(file: Path, lines: Sequence[Sequence[Prediction]]) -> Prediction:
    """Join the digits of a picture, at least two; those without a digit are "?"."""
    digits = [each for line in lines for each in line]
    read = [each for each in digits if each.digit is not None]
    if not read:
        return Prediction(file, remark=NO_NUMBER)
    least = min(read, key=lambda each: each.probability or 0)
    probability = prod(each.probability or 0 for each in read)
    # with the least sure digit exchanged for its runner-up
    other = probability / (least.probability or 1) * (least.runner_up_probability or 0)
    texts = [
        "\n".join("".join(text(each) for each in line) for line in lines)
        for text in (_text, lambda each: str(each.runner_up) if each is least else _text(each))
    ]
    remark = f"unsure: {' or '.join(texts)}".replace("\n", " / ") if least.remark else ""
    return Prediction(file, texts[0], probability, texts[1], other, remark, tuple(digits))


def _text(prediction: Prediction) -> str:
    return prediction.number or UNREAD
