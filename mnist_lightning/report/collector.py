"""The predictions of one evaluation pass, collected once for all callbacks that show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from lightning import Callback, LightningModule, Trainer
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.utilities.distributed import gather_all_tensors

from mnist_lightning.report.scores import Scores, compute_scores

SHOWN = 9  # right and wrong images kept for the figure, as in the original
MISTAKES = 36  # kept, those with the highest loss: an untrained network makes thousands

Array = NDArray[Any]


class Batch(NamedTuple):
    """Images (N, 1, H, W) float with labels, (N,) int64 of the truth, and logits (N, C) float."""

    images: Tensor
    labels: Tensor
    logits: Tensor

    def select(self, index: Tensor | slice) -> "Batch":
        """Some of the images."""
        return Batch(*(each[index] for each in self))

    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """Images (N, H, W), labels, predictions and their probabilities, for figures."""
        images, predictions = self.images[:, 0].float(), self.logits.argmax(dim=1)
        chances = self.logits.float().softmax(dim=1).amax(dim=1)
        return images.numpy(), self.labels.numpy(), predictions.numpy(), chances.numpy()


@dataclass(frozen=True)
class Predictions:
    """The predictions for a whole set, on the CPU."""

    logits: Tensor  # (N, C) float32
    labels: Tensor  # (N,) int64, the truth
    shown: Batch  # the first nine images classified correctly, then the first nine incorrectly
    mistakes: Batch  # up to 36 images classified incorrectly, the highest loss first
    first_images: Tensor  # (up to ``keep_first``, 1, H, W), of this rank, on its device

    @cached_property
    def scores(self) -> Scores:
        """The scores of the set."""
        return compute_scores(self.logits, self.labels)


class PredictionCollector(Callback):
    """Collect logits, labels and a few images during validation and test.

    A module that does not return ``logits`` from its step is asked again by ``module(images)``.
    """

    def __init__(self) -> None:
        self.keep_first = 0  # images
        self._answers: list[tuple[Tensor, Tensor]] = []  # logits and labels
        self._first: list[Tensor] = []
        self._kept: dict[str, Batch] = {}
        self._gathered: Predictions | None = None

    @classmethod
    def attach(cls, trainer: Trainer) -> "PredictionCollector":
        """Find the trainer's collector, or add one to its callbacks; for use in ``setup``."""
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        found = [callback for callback in callbacks if isinstance(callback, cls)] or [cls()]
        if found[0] not in callbacks:
            callbacks.append(found[0])
        return found[0]

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget an earlier pass."""
        self._answers.clear()
        self._first.clear()
        self._kept.clear()
        self._gathered = None

    on_validation_epoch_start = on_test_epoch_start = on_fit_start

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Add a batch; those of the sanity check are no whole set."""
        if not trainer.sanity_checking:
            images, labels = batch
            has_logits = isinstance(outputs, Mapping) and "logits" in outputs
            self.update(images, labels, outputs["logits"] if has_logits else pl_module(images))

    on_test_batch_end = on_validation_batch_end

    def update(self, images: Tensor, labels: Tensor, logits: Tensor) -> None:
        """Add a batch: (B, 1, H, W) float, (B,) int64, (B, C) float."""
        batch = Batch(images, labels, logits.detach())
        self._answers.append((batch.logits, labels))
        if (missing := self.keep_first - sum(map(len, self._first))) > 0:
            self._first.append(images[:missing])
        is_right = logits.argmax(dim=1) == labels
        for kind, keep in KEPT.items():
            new = batch.select(is_right if kind == "right" else ~is_right)
            self._kept[kind] = keep(_concat(self._kept[kind], new) if kind in self._kept else new)

    def gather(self) -> Predictions | None:
        """Join the predictions of all ranks, in rank order; None before the first batch.

        Collective: call it on every rank.
        """
        if self._gathered is None and self._answers:
            logits, labels = (_all_ranks(torch.cat(p)) for p in zip(*self._answers, strict=True))
            right, wrong, worst = (
                keep(Batch(*map(_all_ranks, self._kept[kind]))) for kind, keep in KEPT.items()
            )
            first = torch.cat(self._first) if self._first else right.images[:0]
            shown = _concat(right, wrong)
            self._gathered = Predictions(logits.float(), labels, shown, worst, first)
        return self._gathered


def _concat(*batches: Batch) -> Batch:
    return Batch(*map(torch.cat, zip(*batches, strict=True)))


def _first(batch: Batch) -> Batch:
    return batch.select(slice(SHOWN))


def _worst(batch: Batch) -> Batch:
    losses = F.cross_entropy(batch.logits.float(), batch.labels, reduction="none")
    return batch.select(losses.argsort(descending=True, stable=True)[:MISTAKES])


KEPT = {"right": _first, "wrong": _first, "worst": _worst}


def _all_ranks(tensor: Tensor) -> Tensor:
    """Join a tensor of all ranks, in rank order, on the CPU; their lengths may differ."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        tensor = torch.cat(gather_all_tensors(tensor))
    return tensor.cpu()
