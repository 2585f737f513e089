"""The file of predictions."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from mnist_lightning.callbacks.run_folder import say


class PredictionWriter(BasePredictionWriter):
    """Write ``predictions.csv`` after ``predict``: index, digit and its probability.

    Args:
        file_name: Name of the file in the trainer's ``default_root_dir``.
    """

    def __init__(self, file_name: str = "predictions.csv") -> None:
        super().__init__(write_interval="epoch")
        self.file_name = file_name

    def write_on_epoch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        predictions: Sequence[Any],
        batch_indices: Sequence[Any],
    ) -> None:
        """Join what the batches and ranks gave, each a dict of ``digits`` and ``probabilities``."""
        digits = torch.cat([batch["digits"] for batch in predictions])
        chances = torch.cat([batch["probabilities"].amax(dim=1) for batch in predictions])
        if trainer.world_size > 1:
            digits, chances = (torch.cat(gather_all_tensors(part)) for part in (digits, chances))
        path = Path(trainer.default_root_dir, self.file_name)
        if trainer.is_global_zero:
            write_predictions(path, digits, chances)
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
