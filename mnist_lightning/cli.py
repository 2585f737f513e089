"""The command line."""

import sys
import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError
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

from mnist_lightning.callbacks import (
    Finite,
    History,
    LastCheckpoint,
    LayerTable,
    PredictionWriter,
    RandomState,
    Report,
)
from mnist_lightning.callbacks.last_checkpoint import trainer_options
from mnist_lightning.checkpoints import Settings, open_checkpoint, run_folder
from mnist_lightning.logger import RunLogger
from mnist_lightning.tools import add_tools

SEED = 42
EPOCHS = 5  # as the original
CHECKPOINT_IO = "mnist_lightning.checkpoint_io.SafeCheckpointIO"
REFRESH_RATE = 20  # steps; drawing the bar takes as long as some per cent of a step
# Kept where images are held out to choose by
BEST = {"filename": "best", "monitor": "val/accuracy", "mode": "max"}


class UsageError(Exception):
    """What the user asked for cannot be done; the text is one line."""


class CLI(LightningCLI):
    """Our defaults around LightningCLI, and checkpoints whose settings are never lost."""

    resumed: Settings | None = None  # of the checkpoint that a fit goes on from

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the seed; a fixed one, so that two runs of one command agree."""
        parser.add_argument("--seed_everything", type=int, default=SEED, help="Seed of the run.")

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the callbacks, each configurable, and the defaults of a run."""
        parser.add_lightning_class_args(LastCheckpoint, "checkpoint")
        parser.add_lightning_class_args(ModelCheckpoint, "best_checkpoint")
        parser.add_lightning_class_args(RichProgressBar, "progress_bar")
        parser.add_lightning_class_args(LayerTable, "layer_table")
        parser.add_lightning_class_args(History, "history")
        parser.add_lightning_class_args(Report, "report")
        parser.add_lightning_class_args(PredictionWriter, "predictions")
        parser.add_lightning_class_args(RandomState, "random_state")
        parser.add_lightning_class_args(Finite, "finite")
        parser.link_arguments("seed_everything", "data.seed")
        parser.set_defaults(
            {
                "data.source": "auto",
                "trainer.max_epochs": EPOCHS,
                "trainer.enable_model_summary": False,  # LayerTable instead
                "trainer.plugins": [{"class_path": CHECKPOINT_IO}],
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
            logger = {"class_path": "mnist_lightning.logger.RunLogger"}
            fit = subcommand == "fit"
            parser.set_defaults({"trainer.logger": logger if fit else False, "weights_only": True})

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, with the settings of the checkpoint as defaults where there is one."""
        self.config = _parse(parser, args, self._option_names())
        subcommand = self.config.subcommand
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
        self.config = _parse(parser, args, self._option_names())
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
        print(f"Checkpoint: {self.checkpoint}", flush=True)

    def _option_names(self) -> set[str]:
        parsers = self._subcommand_parsers.values()
        return {name for parser in parsers for name in parser._option_string_actions}

    def _parse_ckpt_path(self) -> None:
        """Leave the configuration alone: LightningCLI would let the checkpoint win over options."""

    def instantiate_classes(self) -> None:
        """Build model, data and trainer; what they refuse is the user's to mend."""
        try:
            super().instantiate_classes()
        except (ValueError, TypeError, MisconfigurationException) as error:
            raise UsageError(str(error)) from error

    def _instantiate_trainer(self, config: dict[str, Any], callbacks: list[Callback]) -> Trainer:
        """Leave out what a subcommand does not use."""
        if self.subcommand != "fit" or not config["logger"]:
            self.save_config_callback = None
        if config["enable_checkpointing"] is False or config["fast_dev_run"]:
            callbacks = [each for each in callbacks if not isinstance(each, Checkpoint)]
        if not self.datamodule.val_size:  # never on test data
            best = self._get(self.config_init, "best_checkpoint")
            callbacks = [each for each in callbacks if each is not best]
        if not config["enable_progress_bar"]:
            callbacks = [each for each in callbacks if not isinstance(each, ProgressBar)]
        return super()._instantiate_trainer(config, callbacks)

    def before_fit(self) -> None:
        """Get the data first: without it no folder is made, and its source names the folder."""
        if self.resumed:
            self._check_resumed(self.resumed)
        self.datamodule.prepare_data()
        logger = self.trainer.logger
        if isinstance(logger, RunLogger):
            logger.set_name(self.datamodule.resolve_source())
            if Path(logger.log_dir, "config.yaml").exists():
                raise UsageError(f"trainer.logger: {logger.log_dir} holds a run already")

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


def _parse(parser: LightningArgumentParser, args: list[str], known: Iterable[str]) -> Any:
    """Parse; a configuration file that cannot be read is named."""
    try:
        return parser.parse_args(args)
    except (ArgumentError, UnicodeDecodeError) as error:
        files = [arg for option, arg in pairwise(args) if option in ("--config", "-c")]
        unread = "parsing config" in str(error) or isinstance(error, UnicodeDecodeError)
        if unread and files:
            raise UsageError(f"config is {files[-1]}: not a YAML file of options") from error
        raise UsageError(f"{error}{_suggestion(str(error), known)}") from error


def _suggestion(error: str, known: Iterable[str]) -> str:
    """Name the options nearest to one that is not known."""
    _, found, rest = error.partition("unrecognized arguments: ")
    if not found:
        return ""
    name = rest.split()[0].lstrip("-").partition("=")[0]
    inside = sorted((len(option), option) for option in known if option.endswith(name))
    near = [option for _, option in inside[:2]] or get_close_matches(f"--{name}", known, n=2)
    return f"; did you mean {' or '.join(near)}?" if near else ""
