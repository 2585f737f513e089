"""Figures and files for the loggers that take them."""

import glob
from io import BytesIO
from pathlib import Path
from typing import Any

from lightning import Trainer
from lightning.pytorch.loggers import MLFlowLogger, WandbLogger
from matplotlib.figure import Figure
from PIL import Image

from mnist_lightning.checkpoints.shown import left_out
from mnist_lightning.report.logger import RunLogger


def log_figure(trainer: Trainer, name: str, figure: Figure, epoch: int, stage: str) -> None:
    """Give a figure to each logger that takes one; on the first rank."""
    for logger in trainer.loggers:
        with left_out(trainer, f"figures in {type(logger).__name__}"):
            experiment: Any = getattr(logger, "experiment", None)
            if isinstance(logger, RunLogger):
                logger.writer(stage).add_figure(f"pictures/{name}", figure, epoch)
            elif isinstance(logger, MLFlowLogger):
                logger.experiment.log_figure(str(logger.run_id), figure, f"{name}.png")
            elif hasattr(logger, "log_image"):  # W&B, and others like it
                figure.savefig(content := BytesIO(), format="png")
                logger.log_image(name, [Image.open(content)], trainer.global_step)
            elif hasattr(experiment, "add_figure"):  # TensorBoard
                experiment.add_figure(name, figure, epoch)
            elif hasattr(experiment, "log_figure"):  # Comet
                experiment.log_figure(name, figure, step=trainer.global_step)


def log_file(trainer: Trainer, path: Path) -> None:
    """Give a file to each logger that takes one; on the first rank."""
    for logger in trainer.loggers:
        with left_out(trainer, f"{path.name} in {type(logger).__name__}"):
            experiment: Any = getattr(logger, "experiment", None)
            if isinstance(logger, MLFlowLogger):
                logger.experiment.log_artifact(str(logger.run_id), str(path))
            elif isinstance(logger, WandbLogger):
                logger.experiment.save(glob.escape(str(path)), str(path.parent), "now")
            elif hasattr(experiment, "log_asset"):  # Comet
                experiment.log_asset(str(path))
