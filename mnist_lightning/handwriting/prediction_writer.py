"""A callback that writes predictions."""

import csv
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from PIL import Image
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from mnist_lightning.checkpoints.runs import say
from mnist_lightning.data.datamodule import MNISTDataModule, attached_data
from mnist_lightning.data.pictures.picture_dataset import NO_DIGIT, PictureDataset
from mnist_lightning.errors import DataError, printable
from mnist_lightning.files import atomic_write
from mnist_lightning.handwriting.prediction import Prediction, format_table, to_predictions


class PredictionWriter(BasePredictionWriter):
    """Write ``predictions.csv`` after ``predict``: index, digit and its probability.

    Of the user's own pictures the fields of ``Prediction``, shown as a table too.

    Args:
        file_name: Name of the file in the trainer's ``default_root_dir``; the command line makes
            that the folder of the checkpoint's run.
    """

    def __init__(self, file_name: str = "predictions.csv") -> None:
        super().__init__("epoch")
        self.file_name = file_name

    def write_on_epoch_end(
        self, trainer: Trainer, pl_module: LightningModule, predictions: Any, batch_indices: Any
    ) -> None:
        """Write ``probabilities``, (B, C), of all batches and processes.

        Raises:
            DataError: Of the user's own pictures, not one can be read.
            OutputError: A file cannot be written.
        """
        probabilities = torch.cat([each["probabilities"] for each in predictions])
        path = Path(trainer.default_root_dir, self.file_name)
        data = attached_data(trainer)
        if data and data.pictures:
            if trainer.is_global_zero:  # every process has read them all
                _write_pictures(trainer, data, data.pictures, probabilities, path)
            return
        if trainer.world_size > 1:
            shares = gather_all_tensors(probabilities.to(pl_module.device))
            probabilities = torch.cat(shares)  # processes in a row have the images in order
        if trainer.is_global_zero:
            best = zip(*(each.tolist() for each in probabilities.max(dim=1)), strict=True)
            rows = ((i, digit, f"{value:.6f}") for i, (value, digit) in enumerate(best))
            _write_csv(path, ("index", "digit", "probability"), rows)
            say(trainer, f"{len(probabilities):,} predictions: {printable(str(path))}")


def _write_pictures(
    trainer: Trainer, data: MNISTDataModule, pictures: PictureDataset, chances: Tensor, path: Path
) -> None:
    """Write and show the predictions of the user's own pictures, and what the network saw."""
    predictions = to_predictions(pictures, chances)
    header = [field.name for field in fields(Prediction)]
    _write_csv(path, header, [each.to_row() for each in predictions])
    if data.save_inputs:
        folder = path.with_name("predict_inputs")
        folder.mkdir(exist_ok=True)
        for file, digit in zip(pictures.files, pictures.digits, strict=True):
            if digit is not None:  # whole names, as a.png and a.jpg may lie side by side
                with atomic_write(folder / f"{file.name}.png") as draft:
                    Image.fromarray(digit).save(draft)
    say(trainer, format_table(predictions))
    say(trainer, f"{len(predictions):,} predictions: {printable(str(path))}")
    if all(each.remark not in ("", NO_DIGIT) for each in predictions):
        place = printable(str(data.predict_path))
        raise DataError(f"predict_path is {place}: nothing there can be read")


def _write_csv(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with atomic_write(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
