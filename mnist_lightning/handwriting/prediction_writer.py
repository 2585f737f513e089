"""The file of predictions."""

import csv
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from PIL import Image
from rich.console import Console
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from mnist_lightning.checkpoints.run_folder import say
from mnist_lightning.data.datamodule import MNISTDataModule, attached_data
from mnist_lightning.data.pictures.folder import OwnImages
from mnist_lightning.errors import DataError, printable
from mnist_lightning.files import atomic_write
from mnist_lightning.handwriting.prediction import (
    HEADER,
    Prediction,
    as_lines,
    as_table,
    predictions_of,
)

INPUTS = "predict_inputs"


class PredictionWriter(Callback):
    """Write ``predictions.csv`` after ``predict``: index, digit and its probability.

    Of the user's own images: file, digit and runner-up with their probabilities, and a remark where
    there is no digit; they are shown as a table too.

    Args:
        file_name: Name of the file in the trainer's ``default_root_dir``; the command line makes
            that the folder of the checkpoint's run.
    """

    def __init__(self, file_name: str = "predictions.csv") -> None:
        self.file_name = file_name
        self._digits: list[Tensor] = []
        self._probabilities: list[Tensor] = []

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep ``digits``, (B,), and ``probabilities``, (B, C), of the outputs."""
        self._digits.append(outputs["digits"])
        self._probabilities.append(outputs["probabilities"])

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Join what the batches and ranks gave, and write it.

        Raises:
            DataError: Of the user's own images, not one can be read.
        """
        if not self._digits:
            return
        digits, probabilities = torch.cat(self._digits), torch.cat(self._probabilities)
        self._digits, self._probabilities = [], []
        path = Path(trainer.default_root_dir, self.file_name)
        data = attached_data(trainer)
        if data and data.own:  # every rank has them all
            if trainer.is_global_zero:
                _conclude(data, data.own, probabilities, path)
            return
        if trainer.world_size > 1:
            digits = torch.cat(gather_all_tensors(digits))
            probabilities = torch.cat(gather_all_tensors(probabilities))
        if trainer.is_global_zero:
            write_predictions(path, digits, probabilities.amax(dim=1))
        say(trainer, f"{len(digits):,} predictions: {path}")


def write_predictions(path: Path, digits: Tensor, probabilities: Tensor) -> None:
    """Write one row for each image, whole or not at all; both are (N,)."""
    pairs = enumerate(zip(digits.tolist(), probabilities.tolist(), strict=True))
    rows = ((i, digit, f"{chance:.6f}") for i, (digit, chance) in pairs)
    _write_csv(path, ("index", "digit", "probability"), rows)


def show(predictions: list[Prediction]) -> None:
    """Print a table on a terminal, and lines of text elsewhere."""
    if sys.stdout.isatty():
        Console().print(as_table(predictions))
    else:
        print("\n".join(as_lines(predictions)), flush=True)


def _conclude(data: MNISTDataModule, own: OwnImages, probabilities: Tensor, path: Path) -> None:
    predictions = predictions_of(own, probabilities)
    _write_csv(path, HEADER, (prediction.row() for prediction in predictions))
    if data.save_inputs:
        _save_inputs(own, path.with_name(INPUTS))
    show(predictions)
    print(f"{len(predictions):,} predictions: {path}", flush=True)
    if own.unread():
        place = printable(str(data.predict_path))
        raise DataError(f"predict_path is {place}: nothing there can be read")


def _save_inputs(own: OwnImages, folder: Path) -> None:
    """Save what the network saw; whole names, as a.png and a.jpg may lie side by side."""
    folder.mkdir(exist_ok=True)
    for file, digit in zip(own.files, own.digits, strict=False):
        if digit is not None:
            Image.fromarray(digit).save(folder / f"{file.name}.png")


def _write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with atomic_write(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
