"""A callback that writes predictions."""

from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from mnist_lightning.checkpoints.shown import only_shows, say
from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.data.source import class_labels, noun_of
from mnist_lightning.errors import printable
from mnist_lightning.handwriting.prediction import to_predictions, to_probabilities
from mnist_lightning.handwriting.results import refuse_unreadable, write_results
from mnist_lightning.handwriting.table import write_table


@only_shows
class PredictionWriter(BasePredictionWriter):
    """Write ``predictions.csv`` after ``predict``: index, digit (or class) and its probability.

    Of the user's own pictures the fields of ``Prediction``, shown as a table too, and a score of
    those whose labels are known.

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
        if data and pictures:
            found = to_predictions(pictures, probabilities, classes)
            noun, keep_inputs = noun_of(labels), data.save_inputs
            say(trainer, write_results(path, pictures, found, noun, keep_inputs))
        else:
            best = enumerate(zip(*(each.tolist() for each in probabilities.max(1)), strict=True))
            rows = [[i, labels[d], f"{p:.6f}"] for i, (p, d) in best]
            write_table(path, ["index", noun_of(labels), "probability"], rows)
            say(trainer, f"Predictions: {printable(str(path))}")
        if data and pictures and data.predict_path:
            refuse_unreadable(found, str(data.predict_path))


def _join(predictions: Any) -> Tensor:
    """Join the batches' probabilities, (B, C) float; empty where one has none."""
    found = [to_probabilities(each) for each in predictions]
    tables = [each for each in found if isinstance(each, Tensor) and each.ndim == 2]
    alike = len({each.shape[1] for each in tables}) == 1 and len(tables) == len(found)
    return torch.cat(tables) if alike else torch.empty(0)
