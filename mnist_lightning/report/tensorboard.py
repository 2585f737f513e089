"""What loggers show beside the curves."""

import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.data import extract_batch_size
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.plugins.hparams.summary_v2 import HParam, Metric, hparams_config_pb, hparams_pb
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from mnist_lightning.checkpoints.shown import left_out, only_shows, same_modes
from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.data.source import noun_of
from mnist_lightning.models.classifier import MNISTClassifier
from mnist_lightning.models.network import ConvNet
from mnist_lightning.report.collector import PredictionCollector
from mnist_lightning.report.logger import RunLogger, warned
from mnist_lightning.report.loggers import log_figure
from mnist_lightning.report.plotting import plot_mistakes
from mnist_lightning.report.predictions import Predictions

PROJECTED = 1_000  # images in the projector
SHOWN = 18  # mistakes of an epoch
# In the table of runs: curves of the validation, of which it shows the last values
METRICS = [Metric(tag, display_name=f"validation {tag}") for tag in ("accuracy", "loss")]
FIRST = ("batch_size", "lr", "max_epochs")  # columns of that table


@only_shows
class Board(Callback):
    """Add to the loggers what tells more than the curves.

    Args:
        level: ``minimal`` adds the learning rate and the images trained on per second; ``full``
            also each epoch's worst mistakes and, in TensorBoard by ``RunLogger``, the network's
            graph and, at the end, the table of runs (HParams), precision and recall of each class,
            and the features of 1,000 validation images (Projector; with several processes, of the
            first one's share).
    """

    def __init__(self, level: Literal["minimal", "full"] = "full") -> None:
        self.level = level

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Have the predictions collected, and the images whose features are shown."""
        self._collector = PredictionCollector.attach(trainer)
        loggers = [each for each in trainer.loggers if isinstance(each, RunLogger)]
        self._logger = loggers[0] if loggers and self.level == "full" and stage == "fit" else None
        if self._logger and isinstance(pl_module, MNISTClassifier):
            self._collector.keep_first = PROJECTED

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draw the network; start the clock, of an epoch under way too."""
        self.on_train_epoch_start(trainer)
        images = pl_module.example_input_array
        if self._logger and trainer.is_global_zero and isinstance(images, Tensor):
            network = pl_module.net if isinstance(pl_module, MNISTClassifier) else pl_module
            with same_modes(network), warnings.catch_warnings(), torch.no_grad():
                # TensorBoard's graph is read from the trace that torch.jit makes
                warnings.filterwarnings("ignore", message="`torch.jit.trace")
                self._logger.experiment.add_graph(network, images.to(pl_module.device))

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start the clock."""
        self._images, self._seconds, self._started = 0, 0.0, time.perf_counter()

    def on_train_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, *_: Any
    ) -> None:
        """Count images, and seconds without those of the validation that follows."""
        self._images += extract_batch_size(batch)
        self._seconds = time.perf_counter() - self._started

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log learning rate and speed, and show the worst mistakes."""
        epoch, predictions = trainer.current_epoch, self._collector.predictions
        metrics: dict[str, float] = {"epoch": epoch}
        if self._seconds:
            speed = self._images * trainer.world_size / self._seconds
            metrics["train/images_per_second"] = speed
        groups = [group for optimizer in trainer.optimizers for group in optimizer.param_groups]
        if groups:
            metrics["train/lr"] = float(groups[0]["lr"])
        for logger in trainer.loggers:
            logger.log_metrics(metrics, trainer.global_step)
        if self.level == "full" and trainer.is_global_zero and predictions:
            worst = predictions.mistakes.select(slice(SHOWN))
            if trainer.loggers and len(worst.labels):
                figure = plot_mistakes(*worst.arrays(predictions.classes))
                log_figure(trainer, "worst_mistakes", figure, epoch + 1, "val")

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show curves of precision and recall, features, and the table of runs."""
        predictions = self._collector.gather_final(trainer, pl_module)
        if not self._logger or not predictions or not trainer.is_global_zero:
            return
        writer = self._logger.writer("val")
        noun = noun_of(predictions.classes)
        for label, probabilities in enumerate(predictions.logits.softmax(dim=1).T):
            tag = f"{noun}_{predictions.classes[label]}"
            is_label = predictions.labels == label
            writer.add_pr_curve(tag, is_label, probabilities, trainer.current_epoch)
        if isinstance(pl_module, MNISTClassifier) and isinstance(pl_module.net, ConvNet):
            with left_out(trainer, "features in TensorBoard"):  # of another network
                _add_features(writer, pl_module, predictions)
        settings, data = {"max_epochs": trainer.max_epochs}, attached_data(trainer)
        _add_settings(writer, settings | {**pl_module.hparams, **(data.hparams if data else {})})


def _add_settings(writer: SummaryWriter, settings: Mapping[str, Any]) -> None:
    """Add a row to the table of runs; files of its own would be one more entry among the runs."""
    plain = {k: v if isinstance(v, int | float) else str(v) for k, v in settings.items()}
    table = hparams_config_pb([HParam(name) for name in plain], METRICS)
    kept = table.value[0].metadata.plugin_data
    content = HParamsPluginData.FromString(kept.content)
    for column in content.experiment.hparam_infos:
        # TensorBoard sorts them by name, but for those that differ between runs, which come first
        column.differs = column.name in FIRST
    kept.content = content.SerializeToString()
    run = "/".join(Path(writer.log_dir).parent.parts[-2:])
    with warned():
        file: Any = writer.file_writer
        file.add_summary(table)
        file.add_summary(hparams_pb(plain, trial_id=run))


def _add_features(writer: SummaryWriter, module: MNISTClassifier, shown: Predictions) -> None:
    """Show the features, (N, F), of the first validation images, with thumbnails and labels."""
    images = shown.first_images
    labels = [shown.classes[label] for label in shown.labels[: len(images)]]
    with same_modes(module), torch.inference_mode():
        features = module.net.eval().features(images)
    darkest, brightest = images.aminmax()
    thumbnails = (images - darkest) / (brightest - darkest)
    epoch = module.trainer.current_epoch
    writer.add_embedding(features, labels, thumbnails, epoch, "features")
