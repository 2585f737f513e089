"""A callback that writes predictions."""

import csv
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from PIL import Image
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from mnist_lightning.checkpoints.shown import only_shows, say
from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.data.pictures.picture_dataset import NO_DIGIT, PictureDataset
from mnist_lightning.data.source import class_labels, noun_of
from mnist_lightning.errors import DataError, printable
from mnist_lightning.files import atomic_write
from mnist_lightning.handwriting.prediction import (
    Prediction,
    format_table,
    to_predictions,
    to_probabilities,
)


@only_shows
class PredictionWriter(BasePredictionWriter):
    """Write ``predictions.csv`` after ``predict``: index, digit (or class) and its probability.

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
        """Write ``probabilities``, (B, C), of all batches and processes, or of logits, (B, C)."""
        probabilities = _join(predictions)
        if not trainer.strategy.reduce_boolean_decision(len(probabilities) > 0):
            raise TypeError("predict_step gives neither probabilities nor logits, (B, C)")
        data = attached_data(trainer)
        pictures = data.pictures if data else None
        if trainer.world_size > 1 and not pictures:  # every process has read them all
            shares = gather_all_tensors(probabilities.to(pl_module.device))
            probabilities = torch.cat(shares)  # processes in a row have the images in order
        if not trainer.is_global_zero:
            return
        path = Path(trainer.default_root_dir, self.file_name)
        classes = data.classes if data else ()
        labels = class_labels(classes, probabilities.shape[1])
        if pictures:
            found = to_predictions(pictures, probabilities, classes)
            names = [field.name for field in fields(Prediction)]
            rows = [each.to_row() for each in found]
        else:
            best = enumerate(zip(*(each.tolist() for each in probabilities.max(1)), strict=True))
            names = ["index", "digit", "probability"]
            rows = [[i, labels[d], f"{p:.6f}"] for i, (p, d) in best]
        names[1] = noun_of(labels)
        with atomic_write(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([names, *rows])
        if data and data.save_inputs and pictures:
            _save_inputs(pictures, path.with_name("predict_inputs"))
        if pictures:
            say(trainer, format_table(found))
        say(trainer, f"{len(probabilities):,} predictions: {printable(str(path))}")
        if data and pictures and all(each.remark not in ("", NO_DIGIT) for each in found):
            place = printable(str(data.predict_path))
            raise DataError(f"predict_path is {place}: nothing there can be read")


def _join(predictions: Any) -> Tensor:
    """Join the batches' probabilities, (B, C) float; empty where one has none."""
    found = [to_probabilities(each) for each in predictions]
    tables = [each for each in found if isinstance(each, Tensor) and each.ndim == 2]
    alike = len({each.shape[1] for each in tables}) == 1 and len(tables) == len(found)
    return torch.cat(tables) if alike else torch.empty(0)


def _save_inputs(pictures: PictureDataset, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    # whole names where a.png and a.jpg lie side by side; some systems take A for a
    alone = len({file.stem.lower() for file in pictures.files}) == len(pictures.files)
    for file, digit in zip(pictures.files, pictures.digits, strict=True):
        if digit is not None:
            with atomic_write(folder / f"{file.stem if alone else file.name}.png") as draft:
                Image.fromarray(digit).save(draft)
