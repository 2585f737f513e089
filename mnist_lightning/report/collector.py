"""The predictions of one evaluation pass, collected once for all callbacks that show them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from mnist_lightning.checkpoints.shown import left_out, only_shows
from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.data.source import class_labels
from mnist_lightning.models.batch import to_classes
from mnist_lightning.models.fingerprint import fingerprint
from mnist_lightning.report.predictions import Batch, Predictions, choose
from mnist_lightning.report.scores import compute_scores


@only_shows
class PredictionCollector(Callback):
    """Collect logits, labels and a few images during validation and test.

    A module that does not return ``logits`` from its step is asked again by ``module(images)``.
    Where a batch holds no images with classes, the pass has no predictions.
    """

    def __init__(self) -> None:
        self.keep_first = 0  # images
        self.classes: Sequence[str] = ()  # names; without them numbers
        self._forget()

    def _forget(self) -> None:
        self.predictions: Predictions | None = None  # of the last pass that was whole
        self._network: tuple[float, ...] = ()  # what they are the predictions of
        self._whole = False  # whether all batches so far were added
        self._answers: list[tuple[Tensor, Tensor]] = []  # logits and labels
        self._first: list[Tensor] = []
        self._kept: Batch | None = None

    @classmethod
    def attach(cls, trainer: Trainer) -> "PredictionCollector":
        """Find the trainer's collector, or add one to its callbacks; for use in ``setup``."""
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        if not any(isinstance(each, cls) for each in callbacks):
            callbacks.append(cls())
        collector = next(each for each in callbacks if isinstance(each, cls))
        if data := attached_data(trainer):
            collector.classes = data.classes
        return collector

    def on_fit_start(self, *_: Any, **__: Any) -> None:
        """Forget an earlier pass."""
        self._forget()

    on_validation_epoch_start = on_test_epoch_start = on_fit_start

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *more: Any
    ) -> None:
        """Add a batch; those of the sanity check are no whole set."""
        if trainer.sanity_checking or any(more[1:]):
            return  # no whole set, or that of a second loader
        self._whole = False
        images, labels = batch
        labels = to_classes(labels)
        if isinstance(outputs, Mapping) and "logits" in outputs:
            logits = outputs["logits"]
        else:
            with trainer.precision_plugin.forward_context():
                logits = pl_module(images)
        self.update(images, labels, logits)
        self._whole = True

    on_test_batch_end = on_validation_batch_end  # type: ignore[assignment]

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Join the predictions of all ranks, if each of them has its own."""
        # callbacks may show another network for the time of a validation
        self._network = () if trainer.sanity_checking else fingerprint(pl_module)
        all_whole = trainer.strategy.reduce_boolean_decision(self._whole)
        with left_out(trainer, "PredictionCollector"):  # no rank may leave out the hook alone
            if all_whole:
                self.predictions = self.gather()
            elif self._whole:
                raise RuntimeError("another process has no predictions")

    on_test_epoch_end = on_validation_epoch_end

    def update(self, images: Tensor, labels: Tensor, logits: Tensor) -> None:
        """Add a batch: (B, K, H, W) float, (B,) int in [0, C), (B, C) float."""
        if images.ndim != 4 or logits.ndim != 2 or not len(images) == len(labels) == len(logits):
            raise ValueError("a batch is not images, (B, K, H, W), with logits, (B, C)")
        if labels.ndim != 1 or labels.is_floating_point() or not _are_classes(labels, logits):
            raise ValueError(f"labels are not classes, (B,) in [0, {logits.shape[1]})")
        batch = Batch(images, labels.long(), logits.detach())
        self._answers.append((batch.logits, batch.labels))
        if (missing := self.keep_first - sum(map(len, self._first))) > 0:
            self._first.append(images[:missing])
        if self._kept:
            batch = Batch(*map(torch.cat, zip(self._kept, batch, strict=True)))
        self._kept = batch.select(torch.cat(choose(batch)).unique())  # type: ignore[no-untyped-call]

    def gather_final(self, trainer: Trainer, module: LightningModule) -> Predictions | None:
        """Gather the predictions of the network as ``fit`` leaves it.

        It is validated once more where its last validation came earlier, as with ``max_steps``, or
        where a callback changed it at the end, as weight averaging does.
        """
        if (
            trainer.global_step
            and trainer.enable_validation
            and self._network != fingerprint(module)
        ):
            trainer.validating = True
            loop = trainer.fit_loop.epoch_loop.val_loop
            loop.restarting = False  # of a run that is resumed with nothing left to train
            loop.run()
            trainer.training = True
        return self.predictions

    def gather(self) -> Predictions | None:
        """Join the predictions of all ranks, which all call it; None before the first batch."""
        if not self._kept:
            return None
        logits, labels = (_all_ranks(torch.cat(p)) for p in zip(*self._answers, strict=True))
        kept, logits = Batch(*map(_all_ranks, self._kept)), logits.float()
        right, wrong, worst = choose(kept)
        shown, mistakes = kept.select(torch.cat([right, wrong])), kept.select(worst)
        first = torch.cat([kept.images[:0], *self._first])
        scores = compute_scores(logits, labels, self.classes)
        classes = class_labels(self.classes, logits.shape[1])
        return Predictions(logits, labels, shown, mistakes, first, scores, classes)


def _are_classes(labels: Tensor, logits: Tensor) -> bool:
    return not ((labels < 0) | (labels >= logits.shape[1])).any()


def _all_ranks(tensor: Tensor) -> Tensor:
    """Join a tensor of all ranks, in rank order, on the CPU; their lengths may differ."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        tensor = torch.cat(gather_all_tensors(tensor))
    return tensor.cpu()
