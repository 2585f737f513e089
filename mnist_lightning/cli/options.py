"""The options of the subcommands that need a trainer, and their defaults."""

import re
import sys
from argparse import SUPPRESS, HelpFormatter
from typing import Any

import torch
from jsonargparse.typing import register_type
from lightning.pytorch.cli import LightningArgumentParser

from mnist_lightning.checkpoints import finite, last_checkpoint, training_state
from mnist_lightning.checkpoints.checkpoint_io import BestCheckpoint
from mnist_lightning.handwriting.prediction_writer import PredictionWriter
from mnist_lightning.report import history, layer_table, logger, progress_bar, report, tensorboard

SEEDS = range(2**32)  # NumPy's
CALLBACKS = {  # by the group of their options
    "checkpoint": last_checkpoint.LastCheckpoint,
    "best_checkpoint": BestCheckpoint,
    "progress_bar": progress_bar.ProgressBar,
    "layer_table": layer_table.LayerTable,
    "history": history.History,
    "tensorboard": tensorboard.Board,
    "report": report.Report,
    "predictions": PredictionWriter,
    "training_state": training_state.TrainingState,
    "finite": finite.Finite,
}
MONITOR = "val/accuracy"
DATA_DEFAULTS = {"data.source": "auto"}
DEFAULTS = {
    "trainer.max_epochs": 5,  # as the original
    "trainer.enable_model_summary": False,  # LayerTable instead
    "best_checkpoint.filename": "best",  # kept where images are held out to choose by
    "best_checkpoint.monitor": MONITOR,
    "best_checkpoint.mode": "max",
}

register_type(torch.device)  # a default of Lightning's callbacks, which config.yaml could not hold
sys.modules.setdefault("mnist_lightning.logger", logger)  # its name in config.yaml of version 0.1


class Parser(LightningArgumentParser):
    """Lists options, but not the hundreds of classes that some could name."""

    def format_help(self, formatter: HelpFormatter | None = None) -> str:
        """Help, as wide as the terminal."""
        text = super().format_help(formatter)
        return re.sub(r",\s+known\s+subclasses:[^)]*\)", ")", text)


def add_options(parser: LightningArgumentParser, subcommand: str, own_data: bool) -> None:
    """Add the callbacks, each configurable, and the defaults of a run.

    Args:
        parser: Of a subcommand.
        subcommand: Its name.
        own_data: Whether the user names the class of the data module.
    """
    for name, callback in CALLBACKS.items():
        parser.add_lightning_class_args(callback, name)
    # a section of configurations of version 0.1, which report.figures decided
    parser.add_argument("--evaluation", type=dict | None, default=SUPPRESS, help=SUPPRESS)
    data = "data.init_args" if own_data else "data"
    parser.link_arguments("seed_everything", f"{data}.seed")  # where the class has it
    log = {"class_path": "mnist_lightning.report.logger.RunLogger"}
    own = {"trainer.logger": log if subcommand == "fit" else False}
    own["trainer.enable_progress_bar"] = bool(sys.stdout and sys.stdout.isatty())
    parser.set_defaults({**DEFAULTS, **({} if own_data else DATA_DEFAULTS), **own})


def unused_callbacks(trainer: Any, chooses_best: bool) -> set[str]:
    """Names of the callbacks that a run with such options of the trainer does without."""
    unused = set() if chooses_best else {"best_checkpoint"}
    if trainer.enable_checkpointing is False or trainer.fast_dev_run:
        unused |= {"checkpoint", "best_checkpoint"}
    return unused if trainer.enable_progress_bar else {*unused, "progress_bar"}
