"""The command line."""

import sys
import warnings
from argparse import SUPPRESS
from pathlib import Path
from typing import Any

from lightning import Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import (
    Callback,
    Checkpoint,
    ModelCheckpoint,
    ProgressBar,
    RichProgressBar,
    WeightAveraging,
)
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.plugins import CheckpointIO

from mnist_lightning.checkpoints.best_checkpoint import BestCheckpoint
from mnist_lightning.checkpoints.checkpoint_io import SafeCheckpointIO
from mnist_lightning.checkpoints.find import MISFITS, Settings, open_checkpoint, run_folder
from mnist_lightning.checkpoints.finite import Finite
from mnist_lightning.checkpoints.last_checkpoint import LastCheckpoint, trainer_options
from mnist_lightning.checkpoints.random_state import RandomState
from mnist_lightning.cli.tools import add_tools
from mnist_lightning.cli.usage import parse
from mnist_lightning.data.splits import CLASSES
from mnist_lightning.errors import CheckpointError, UsageError, printable
from mnist_lightning.handwriting.prediction_writer import PredictionWriter
from mnist_lightning.report.history import LOGGED, History
from mnist_lightning.report.layer_table import LayerTable
from mnist_lightning.report.logger import RunLogger
from mnist_lightning.report.report import Report
from mnist_lightning.report.tensorboard import Board

SEED = 42
SEEDS = range(2**32)  # NumPy's
EPOCHS = 5  # as the original
# What Lightning takes, and fails with later
LEAST = {"accumulate_grad_batches": 1, "check_val_every_n_epoch": 1, "gradient_clip_val": 0}
REFRESH_RATE = 2  # a second; a thread draws the bar, and keeps a core from the training meanwhile
# Kept where images are held out to choose by
BEST = {"filename": "best", "monitor": "val/accuracy", "mode": "max"}


class CLI(LightningCLI):
    """Our defaults around LightningCLI, and checkpoints whose settings are never lost."""

    resumed: Settings | None = None  # of the checkpoint that a fit goes on from

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the seed; a fixed one, so that two runs of one command agree."""
        parser.add_argument("--seed_everything", type=int, default=SEED, help="Seed of the run.")

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the callbacks, each configurable, and the defaults of a run."""
        parser.add_lightning_class_args(LastCheckpoint, "checkpoint")
        parser.add_lightning_class_args(BestCheckpoint, "best_checkpoint")
        parser.add_lightning_class_args(RichProgressBar, "progress_bar")
        parser.add_lightning_class_args(LayerTable, "layer_table")
        parser.add_lightning_class_args(History, "history")
        parser.add_lightning_class_args(Board, "tensorboard")
        parser.add_lightning_class_args(Report, "report")
        # a part of 0.1, whose config.yaml may name it
        parser.add_argument("--evaluation", type=dict | None, default=SUPPRESS, help=SUPPRESS)
        parser.add_lightning_class_args(PredictionWriter, "predictions")
        parser.add_lightning_class_args(RandomState, "random_state")
        parser.add_lightning_class_args(Finite, "finite")
        parser.link_arguments("seed_everything", "data.seed")
        parser.set_defaults(
            {
                "data.source": "auto",
                "trainer.max_epochs": EPOCHS,
                "trainer.enable_model_summary": False,  # LayerTable instead
                "trainer.enable_progress_bar": sys.stdout.isatty(),
                "progress_bar.refresh_rate": REFRESH_RATE,
                **{f"best_checkpoint.{name}": value for name, value in BEST.items()},
            }
        )

    def setup_parser(
        self, add_subcommands: bool, main_kwargs: dict[str, Any], subparser_kwargs: dict[str, Any]
    ) -> None:
        """Add the defaults that differ between the subcommands, and list the tools."""
        super().setup_parser(add_subcommands, main_kwargs, subparser_kwargs)
        add_tools(self.parser)
        for subcommand, parser in self._subcommand_parsers.items():
            logger = {"class_path": "mnist_lightning.report.logger.RunLogger"}
            fit = subcommand == "fit"
            parser.set_defaults({"trainer.logger": logger if fit else False, "weights_only": True})
            if subcommand == "test":
                parser.set_defaults({"verbose": False})  # Report says more

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, with the settings of the checkpoint as defaults where there is one."""
        self.config = parse(parser, args, self._option_names())
        subcommand = self.config.subcommand
        seed = self.config[subcommand].seed_everything
        if seed not in SEEDS:
            raise UsageError(f"seed_everything is {seed}: must be 0 to {SEEDS[-1]:,}")
        own = self.config[subcommand].data.predict_path
        if own and subcommand != "predict":
            raise UsageError(f"data.predict_path is {own}: only predict reads it")
        wanted = self.config[subcommand].ckpt_path
        if subcommand == "fit" and wanted is None:
            return
        self.checkpoint, settings = open_checkpoint(wanted)
        self.resumed = settings if subcommand == "fit" else None
        if subcommand == "fit" and not settings.resumable:
            raise UsageError(f"ckpt_path is {self.checkpoint}: weights alone, no run to resume")
        self._subcommand_parsers[subcommand].set_defaults(settings.as_defaults())
        self.config = parse(parser, args, self._option_names())
        other = settings.differences(self.config[subcommand], with_data=subcommand == "fit")
        if other:
            raise UsageError(other[0])
        self.config[subcommand].ckpt_path = str(self.checkpoint)
        # a run that goes on does so in a folder of its own; the earlier best stays in the other
        warnings.filterwarnings("ignore", message="The dirpath has changed")
        if subcommand != "fit":
            self.config[subcommand].trainer.default_root_dir = str(run_folder(self.checkpoint))
            # a recipe's callbacks train; its checkpoint's weights need none of them
            warnings.filterwarnings("ignore", message=".*callbacks used to create the checkpoint")
        print(f"Checkpoint: {printable(str(self.checkpoint))}", flush=True)

    def _option_names(self) -> set[str]:
        parsers = self._subcommand_parsers.values()
        return {name for parser in parsers for name in parser._option_string_actions}

    def _parse_ckpt_path(self) -> None:
        """Leave the configuration alone: LightningCLI would let the checkpoint win over options."""

    def instantiate_classes(self) -> None:
        """Build model, data and trainer; what they refuse is the user's to mend."""
        try:
            super().instantiate_classes()
        except (*MISFITS, ImportError, MisconfigurationException) as error:
            wanted = self.config[self.config.subcommand].trainer.accelerator
            unsaid = isinstance(error, ImportError) or "backend found" in str(error)
            where = f"trainer.accelerator is {wanted}: " if unsaid else ""
            raise UsageError(f"{where}{error}") from error
        classes = self.model.hparams["num_classes"]
        if classes < CLASSES:
            raise UsageError(f"model.num_classes is {classes}: must be at least {CLASSES}")

    def _instantiate_trainer(self, config: dict[str, Any], callbacks: list[Callback]) -> Trainer:
        """Leave out what a subcommand does not use, and write checkpoints our way."""
        if self.subcommand != "fit" or not config["logger"]:
            self.save_config_callback = None
        if config["enable_checkpointing"] is False or config["fast_dev_run"]:
            callbacks = [each for each in callbacks if not isinstance(each, Checkpoint)]
        if not self.datamodule.val_size:  # never on test data
            best = self._get(self.config_init, "best_checkpoint")
            callbacks = [each for each in callbacks if each is not best]
        if not config["enable_progress_bar"]:
            callbacks = [each for each in callbacks if not isinstance(each, ProgressBar)]
        plugins = config["plugins"] or []
        plugins = plugins if isinstance(plugins, list) else [plugins]
        if not any(isinstance(each, CheckpointIO) for each in plugins):
            config["plugins"] = [*plugins, SafeCheckpointIO()]
        return super()._instantiate_trainer(config, callbacks)

    def _run_subcommand(self, subcommand: str) -> None:
        """Run; what fails with a checkpoint, or before a step is made, is due to what was given."""
        try:
            super()._run_subcommand(subcommand)
        except MISFITS as error:
            reason = f"{type(error).__name__}: {error}"
            if self.config[subcommand].ckpt_path:
                raise CheckpointError(f"ckpt_path is {self.checkpoint}: {reason}") from error
            if self.trainer.global_step:
                raise
            raise UsageError(reason) from error

    def before_fit(self) -> None:
        """Get the data first: without it no folder is made, and its source names the folder."""
        self._check_options()
        if self.resumed:
            self._check_resumed(self.resumed)
        self.datamodule.prepare_data()
        logger = self.trainer.logger
        if isinstance(logger, RunLogger):
            logger.set_name(self.datamodule.resolve_source())
            if Path(logger.log_dir, "config.yaml").exists():
                raise UsageError(f"trainer.logger: {logger.log_dir} holds a run already")

    def _check_options(self) -> None:
        """Refuse what would fail only once training is under way."""
        for name, least in LEAST.items():
            value = getattr(self.trainer, name)
            if value is not None and value < least:
                raise UsageError(f"trainer.{name} is {value}: must be at least {least}")
        for callback in self.trainer.checkpoint_callbacks:
            monitor = callback.monitor if isinstance(callback, ModelCheckpoint) else None
            if monitor and monitor not in LOGGED.values():
                names = ", ".join(LOGGED.values())
                raise UsageError(f"best_checkpoint.monitor is {monitor}: must be one of {names}")

    def _check_resumed(self, settings: Settings) -> None:
        """Refuse to go on with a run whose result would not be the same run's."""
        averages = any(isinstance(each, WeightAveraging) for each in self.trainer.callbacks)  # type: ignore[attr-defined]
        if settings.averaged and not averages:
            raise UsageError(
                f"ckpt_path is {self.checkpoint}: its run kept averaged weights; resume with the "
                "same --config, or its callback in trainer.callbacks"
            )
        for name, given in trainer_options(self.trainer).items():
            if given != settings.trainer.get(name, given):
                raise UsageError(
                    f"trainer.{name} is {given}, but the checkpoint was made with "
                    f"{settings.trainer[name]}"
                )
