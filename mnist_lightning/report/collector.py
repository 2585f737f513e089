"""The predictions of one evaluation pass, collected once for all callbacks that show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.utilities.distributed import gather_all_tensors

from mnist_lightning.report.scores import Scores, compute_scores

SHOWN = 9  # right and wrong images kept for the figure, as in the original
MISTAKES = 36

Batch = tuple[Tensor, Tensor, Tensor]  # images (B, 1, H, W), labels (B,) int64, logits (B, C)


@dataclass(frozen=True)
class Samples:
    """A few images with truth and prediction.

    Attributes:
        images: (N, H, W) float32.
        labels: (N,) int64, the truth.
        predictions: (N,) int64.
        probabilities: (N,) float32, of the predictions, [0, 1].
    """

    images: NDArray[Any]
    labels: NDArray[Any]
    predictions: NDArray[Any]
    probabilities: NDArray[Any]

    def __getitem__(self, part: slice) -> "Samples":
        """The samples of a slice."""
        return Samples(*(each[part] for each in vars(self).values()))


@dataclass(frozen=True)
class Predictions:
    """The predictions for a whole set, on the CPU.

    Attributes:
        logits: (N, C) float32.
        labels: (N,) int64, the truth.
        shown: The first nine images classified correctly, then the first nine incorrectly.
        mistakes: Up to 36 images classified incorrectly, the highest loss first.
        first_images: (up to ``keep_first``, 1, H, W), the first of this rank, on its device.
    """

    logits: Tensor
    labels: Tensor
    shown: Samples
    mistakes: Samples
    first_images: Tensor

    @cached_property
    def scores(self) -> Scores:
        """The scores of the set."""
        return compute_scores(self.logits, self.labels)


class PredictionCollector(Callback):
    """Collect logits, labels and a few images during validation and test.

    A module that does not return ``logits`` from its step is asked again by ``module(images)``.
    """

    def __init__(self) -> None:
        self.keep_first = 0  # how many of the first images are wanted
        self._gathered: Predictions | None = None
        self._reset()

    @classmethod
    def attach(cls, trainer: Trainer) -> "PredictionCollector":
        """Find the trainer's collector, or add one to its callbacks; for use in ``setup``."""
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        for callback in callbacks:
            if isinstance(callback, cls):
                return callback
        callbacks.append(collector := cls())
        return collector

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget an earlier pass."""
        self._reset()

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
        """Add a batch; those of the sanity check are not of a whole set."""
        if not trainer.sanity_checking:
            images, labels = batch
            has_logits = isinstance(outputs, Mapping) and "logits" in outputs
            self.update(images, labels, outputs["logits"] if has_logits else pl_module(images))

    on_test_batch_end = on_validation_batch_end

    def update(self, images: Tensor, labels: Tensor, logits: Tensor) -> None:
        """Add a batch: (B, 1, H, W) float, (B,) int64, (B, C) float."""
        logits = logits.detach()
        self._answers.append((logits, labels))
        if (missing := self.keep_first - sum(map(len, self._first))) > 0:
            self._first.append(images[:missing])
        is_right = logits.argmax(dim=1) == labels
        for kind, keep in KEPT.items():
            new = _select((images, labels, logits), is_right if kind == "right" else ~is_right)
            self._kept[kind] = [keep(_concat([*self._kept[kind], new]))]

    def gather(self) -> Predictions | None:
        """Join the predictions of all ranks, in rank order; None before the first batch.

        Collective: call it on every rank.
        """
        if self._gathered is None and self._answers:
            logits, labels = (_all_ranks(torch.cat(p)) for p in zip(*self._answers, strict=True))
            right, wrong, worst = (
                keep(_concat(list(map(_of_all_ranks, self._kept[kind]))))
                for kind, keep in KEPT.items()
            )
            shown, mistakes = _samples(_concat([right, wrong])), _samples(worst)
            first = torch.cat(self._first) if self._first else right[0][:0]
            self._gathered = Predictions(logits.float(), labels, shown, mistakes, first)
        return self._gathered

    def _reset(self) -> None:
        self._answers: list[tuple[Tensor, Tensor]] = []  # logits and labels
        self._first: list[Tensor] = []
        self._kept: dict[str, list[Batch]] = {kind: [] for kind in KEPT}
        self._gathered = None


def _select(batch: Batch, index: Tensor | slice) -> Batch:
    images, labels, logits = batch
    return images[index], labels[index], logits[index]


def _of_all_ranks(batch: Batch) -> Batch:
    images, labels, logits = map(_all_ranks, batch)
    return images, labels, logits


def _concat(batches: list[Batch]) -> Batch:
    images, labels, logits = map(torch.cat, zip(*batches, strict=True))
    return images, labels, logits


def _first(batch: Batch) -> Batch:
    return _select(batch, slice(SHOWN))


def _worst(batch: Batch) -> Batch:
    losses = F.cross_entropy(batch[2].float(), batch[1], reduction="none")
    return _select(batch, losses.argsort(descending=True, stable=True)[:MISTAKES])


# What is kept of each kind of images; of mistakes only the worst, as an untrained network makes
# as many as there are images
KEPT = {"right": _first, "wrong": _first, "worst": _worst}


def _samples(batch: Batch) -> Samples:
    images, labels, logits = batch
    probabilities, predictions = logits.float().softmax(dim=1).max(dim=1)
    parts = images[:, 0].float(), labels, predictions, probabilities
    return Samples(*(each.cpu().numpy() for each in parts))


def _all_ranks(tensor: Tensor) -> Tensor:
    """Join a tensor of all ranks, in rank order, on the CPU; their lengths may differ."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        tensor = torch.cat(gather_all_tensors(tensor))
    return tensor.cpu()
