"""The file of predictions."""

import csv
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from mnist_lightning.callbacks.run_folder import say


class PredictionWriter(Callback):
    """Write ``predictions.csv`` after ``predict``: index, digit and its probability.

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
        """Keep ``digits``, (B,), and the largest of ``probabilities``, (B, C), of the outputs."""
        self._digits.append(outputs["digits"])
        self._probabilities.append(outputs["probabilities"].amax(dim=1))

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Join what the batches and ranks gave, and write it."""
        if not self._digits:
            return
        digits, probabilities = torch.cat(self._digits), torch.cat(self._probabilities)
        self._digits, self._probabilities = [], []
        if trainer.world_size > 1:
            digits = torch.cat(gather_all_tensors(digits))
            probabilities = torch.cat(gather_all_tensors(probabilities))
        path = Path(trainer.default_root_dir, self.file_name)
        if trainer.is_global_zero:
            write_predictions(path, digits, probabilities)
        say(trainer, f"{len(digits):,} predictions: {path}")


def write_predictions(path: Path, digits: Tensor, probabilities: Tensor) -> None:
    """Write one row for each image, whole or not at all; both are (N,)."""
    draft = path.with_suffix(".tmp")
    with draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["index", "digit", "probability"])
        rows = zip(digits.tolist(), probabilities.tolist(), strict=True)
        writer.writerows((i, digit, f"{chance:.6f}") for i, (digit, chance) in enumerate(rows))
    draft.replace(path)
