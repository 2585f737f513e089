"""What TensorBoard shows beside the curves."""

import time
import warnings
from dataclasses import astuple
from pathlib import Path
from typing import Any, Literal

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from tensorboard.plugins.hparams.summary_v2 import HParam, Metric, hparams_config_pb, hparams_pb
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.models.classifier import MNISTClassifier
from mnist_lightning.report.diagnostics import plot_mistakes
from mnist_lightning.report.logger import RunLogger
from mnist_lightning.report.worst import Worst

PROJECTED = 1_000  # images in the projector
SHOWN = 18  # mistakes of an epoch


class Board(Callback):
    """Add to TensorBoard what tells more than the curves.

    Args:
        level: ``minimal`` adds the learning rate and the images trained on per second; ``full``
            also the network's graph, each epoch's worst mistakes and, at the end, the table of
            runs (HParams), precision and recall of each digit, and the features of 1,000
            validation images (Projector). With several processes, the first one's share.
    """

    def __init__(self, level: Literal["minimal", "full"] = "full") -> None:
        self.level = level
        self._started = self._seconds = 0.0
        self._images = self._size = 0
        self._last = -1  # batch looked at
        self._answers: list[tuple[Tensor, Tensor]] = []  # logits and labels
        self._worst = Worst(SHOWN)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the network; start the clock, of an epoch under way too."""
        batches: Any = trainer.fit_loop.epoch_loop.batch_progress.current
        self._start(batches.processed - 1)
        if writer := self._writer(trainer, "train"):
            images = pl_module.example_input_array
            if isinstance(images, Tensor):
                _add_graph(writer, pl_module, images.to(pl_module.device))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._start(-1)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count images, and seconds without those of validation."""
        size, between = len(batch[1]), batch_idx - self._last - 1  # which a GPU made by itself
        self._size = max(self._size, size)  # an epoch's last batch may be smaller
        self._images += between * self._size + size
        self._last = batch_idx
        self._seconds = time.perf_counter() - self._started

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new pass."""
        self._answers, self._worst = [], Worst(SHOWN)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Collect the answers."""
        if self._wanted(trainer) and isinstance(outputs, dict):
            images, labels = batch
            self._answers.append((outputs["logits"], labels))
            self._worst.update(images, labels, outputs["logits"])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log learning rate and speed, and show the worst mistakes."""
        epoch = trainer.current_epoch
        if trainer.logger and self._seconds:
            rate = trainer.optimizers[0].param_groups[0]["lr"]
            speed = self._images * trainer.world_size / self._seconds
            numbers = {"train/lr": rate, "train/images_per_second": speed, "epoch": epoch}
            trainer.logger.log_metrics(numbers, trainer.global_step)
        mistakes = self._worst.gather()  # of all processes
        writer = self._writer(trainer, "val")
        if writer and mistakes and len(mistakes.labels):
            writer.add_figure("worst_mistakes", plot_mistakes(*astuple(mistakes)), epoch + 1)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show what the run came to."""
        writer, run = self._writer(trainer, "val"), self._writer(trainer, "")
        if not writer or not run or not self._answers:
            return
        logits, labels = (torch.cat(each).cpu() for each in zip(*self._answers, strict=True))
        self._answers = []
        for digit, probability in enumerate(logits.softmax(dim=1).T):
            writer.add_pr_curve(
                f"digit_{digit}", labels == digit, probability, trainer.current_epoch
            )
        _add_features(writer, trainer, pl_module)
        _add_settings(run, trainer, pl_module)

    def _start(self, last: int) -> None:
        self._images, self._seconds, self._started = 0, 0.0, time.perf_counter()
        self._last = last

    def _wanted(self, trainer: Trainer) -> bool:
        fitting = trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking
        return self.level == "full" and fitting and isinstance(trainer.logger, RunLogger)

    def _writer(self, trainer: Trainer, stage: str) -> SummaryWriter | None:
        """The writer of a stage in a full ``fit``; the first process alone has one."""
        logger = trainer.logger
        if not self._wanted(trainer) or not trainer.is_global_zero:
            return None
        assert isinstance(logger, RunLogger)
        return logger.writer(stage)


def _add_graph(writer: SummaryWriter, module: LightningModule, images: Tensor) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        # TensorBoard's graph is read from the trace that torch.jit makes
        warnings.filterwarnings("ignore", message="`torch.jit.trace")
        network = module.net if isinstance(module, MNISTClassifier) else module
        writer.add_graph(network, images)


def _add_features(writer: SummaryWriter, trainer: Trainer, module: LightningModule) -> None:
    """Show the features, (N, F), of the first validation images, with thumbnails and labels."""
    data = attached_data(trainer)
    if data is None or not isinstance(module, MNISTClassifier):
        return
    images, labels = data.val.images[:PROJECTED], data.val.labels[:PROJECTED]
    with torch.inference_mode():
        scaled = data.scaling(images).to(module.device)
        training = module.net.training
        features = module.net.eval().features(scaled)
        module.net.train(training)
    writer.add_embedding(features, labels.tolist(), images / 255, trainer.current_epoch, "features")


def _add_settings(run: SummaryWriter, trainer: Trainer, module: LightningModule) -> None:
    """Enter the run into the table of runs: its settings, and the metrics of its last epoch."""
    data = attached_data(trainer)
    settings = {
        "max_epochs": trainer.max_epochs,
        **module.hparams,
        **(data.hparams if data else {}),
    }
    plain = {name: _plain(value) for name, value in settings.items()}
    metrics = [
        Metric(tag, group=stage, display_name=f"{stage} {tag}")
        for stage in ("validation", "train")
        for tag in ("accuracy", "loss")
    ]
    file = run._get_file_writer()  # type: ignore[no-untyped-call]
    file.add_summary(hparams_config_pb([HParam(name) for name in plain], metrics))
    name = "/".join(Path(run.log_dir).parts[-2:])
    file.add_summary(hparams_pb(plain, trial_id=name))


def _plain(value: Any) -> bool | int | float | str:
    return value if isinstance(value, bool | int | float | str) else str(value)
