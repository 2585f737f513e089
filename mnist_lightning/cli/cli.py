"""The subcommands that need a trainer: our defaults around LightningCLI."""

import warnings
from collections.abc import Callable
from functools import partial
from pydoc import locate
from typing import Any

from lightning import LightningModule, Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.plugins import CheckpointIO

from mnist_lightning.checkpoints.checkpoint import Checkpoint
from mnist_lightning.checkpoints.checkpoint_io import SafeCheckpointIO
from mnist_lightning.checkpoints.hyperparameters import check_hyperparameters
from mnist_lightning.checkpoints.run_folder import RunFolder
from mnist_lightning.checkpoints.runs import LOGS_DIR, open_checkpoint, open_network
from mnist_lightning.cli.checks import StartChecks, check_classes, check_fit
from mnist_lightning.cli.classes import predict_images_alone
from mnist_lightning.cli.options import MONITOR, SEEDS, add_options, unused_callbacks
from mnist_lightning.cli.settings import (
    check_settings,
    follow_checkpoint,
    follow_data,
    settings,
)
from mnist_lightning.cli.torchrun import follow_torchrun
from mnist_lightning.cli.usage import own_words, parse
from mnist_lightning.data.datamodule import MNISTDataModule
from mnist_lightning.errors import CheckpointError, Error, UsageError
from mnist_lightning.models.classifier import MNISTClassifier
from mnist_lightning.report import logger


class CLI(LightningCLI):
    """Our defaults around LightningCLI, and checkpoints whose settings are never lost."""

    checkpoint: Checkpoint | None = None  # that is tested, or that a fit goes on from
    parsers: dict[str, LightningArgumentParser]  # by subcommand

    def add_default_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the seed; a fixed one, so that two runs of one command agree."""
        parser.add_argument("--seed_everything", type=int, default=42, help="Seed of the run.")

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the callbacks, each configurable, and the defaults of a run."""
        subcommand = list(self.subcommands())[len(self.parsers)]  # they are made in this order
        self.parsers[subcommand] = parser
        add_options(parser, subcommand, self.subclass_mode_data)

    def setup_parser(self, *args: Any) -> None:
        """Add the defaults of the trainer's methods."""
        self.parsers = {}
        super().setup_parser(*args)
        for parser in self.parsers.values():
            parser.set_defaults({"weights_only": True})
        for name in ("validate", "test"):
            self.parsers[name].set_defaults({"verbose": False})  # the report says more

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, with what the checkpoint decides as defaults or, without one, the data."""
        self.config = parse(parser, args, *self.parsers.values())
        subcommand = self.config.subcommand
        config = self.config[subcommand]
        if (seed := config.seed_everything) not in SEEDS:
            raise UsageError(f"seed_everything is {seed}: must be 0 to {SEEDS[-1]:,}")
        if (own := settings(config, "data").get("predict_path")) and subcommand != "predict":
            raise UsageError(f"data.predict_path is {own}: only predict reads it")
        if subcommand != "fit" or config.ckpt_path is not None:
            self.checkpoint = self._open(subcommand, config)
        checkpoint = self.checkpoint
        defaults = follow_checkpoint(config, checkpoint) if checkpoint else follow_data(config)
        if defaults:
            self.parsers[subcommand].set_defaults(defaults)
            self.config = parse(parser, args, *self.parsers.values())
        if checkpoint:
            check_settings(self.config[subcommand], checkpoint, with_data=subcommand == "fit")
            # where LightningCLI finds a path it lets the checkpoint's settings win over options
            self.config[subcommand].ckpt_path = None
            print(checkpoint, flush=True)

    def _open(self, subcommand: str, config: Any) -> Checkpoint:
        """Read the checkpoint that is meant."""
        own = settings(config, "data").get("predict_path")
        # what reads pictures is any network; all else is of the newest run, on whatever images
        find = open_network if own else open_checkpoint
        checkpoint = check_hyperparameters(find(config.ckpt_path, kind=self._kind(config)))
        if subcommand == "fit" and not checkpoint.content.get("optimizer_states"):
            named = config.ckpt_path if checkpoint.note else checkpoint.path
            raise UsageError(f"ckpt_path is {named}: weights alone, no run to resume")
        return checkpoint

    def _kind(self, config: Any) -> type[LightningModule] | None:
        """The class that a checkpoint is opened with, if the user names it, or a network."""
        if self.subclass_mode_model:
            found = locate(config.model.class_path)
            return found if isinstance(found, type) else LightningModule  # a function makes it
        return MNISTClassifier if config.model.net else None

    def before_instantiate_classes(self) -> None:
        """Tell the trainer of torchrun's processes, of the checkpoint, and where results go."""
        follow_torchrun(self.config[self.subcommand].trainer)
        if self.checkpoint:
            config, path = self.config[self.subcommand], self.checkpoint.path
            config.ckpt_path = str(path)
            if self.subcommand != "fit":
                config.trainer.default_root_dir = str(self.checkpoint.folder)
                if self.checkpoint.results:
                    self.checkpoint.results.mkdir(parents=True, exist_ok=True)

    def instantiate_classes(self) -> None:
        """Build model, data and trainer; what they refuse is the user's to mend."""
        try:
            super().instantiate_classes()
        except (Error, OSError):
            raise
        except Exception as error:
            wanted = self.config[self.subcommand].trainer.accelerator
            unsaid = isinstance(error, ImportError) or "backend found" in str(error)
            where = f"trainer.accelerator is {wanted}: " if unsaid else ""
            raise UsageError(f"{where}{own_words(error)}") from error
        if self.subcommand == "predict":
            predict_images_alone(self.model)
        check_classes(self.model, self.datamodule)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the trainer without the callbacks that a subcommand or an option does not use."""
        options = self.config_init[self.subcommand].trainer
        if self.subcommand != "fit":
            self.save_config_callback = None
        unused = unused_callbacks(options, self._chooses_best())
        parser = self.parsers[str(self.subcommand)]
        parser.callback_keys = [key for key in parser.callback_keys if key not in unused]
        self.checks = StartChecks()
        own = [x.save_dir for x in _listed(options.logger) if isinstance(x, logger.RunLogger)]
        self.run_folder = RunFolder(own[0] if own else LOGS_DIR)
        callbacks = [self.run_folder, *_listed(options.callbacks), self.checks]
        plugins = _listed(options.plugins)
        if not any(isinstance(each, CheckpointIO) for each in plugins):
            plugins.append(SafeCheckpointIO(self.checkpoint, self.subcommand != "fit"))
        return super().instantiate_trainer(callbacks=callbacks, plugins=plugins, **kwargs)

    def _chooses_best(self) -> bool:
        """Whether images are held out, never test images, and what is watched is logged."""
        monitor = self.config_init[self.subcommand].best_checkpoint.monitor
        steps = type(self.model).validation_step
        logged = steps is MNISTClassifier.validation_step or monitor != MONITOR
        return bool(getattr(self.datamodule, "val_size", 0)) and logged

    def after_instantiate_classes(self) -> None:
        """Run by ``_run``: LightningCLI prefers a method of its own to the trainer's."""
        subcommand = str(self.subcommand)
        setattr(self, subcommand, partial(self._run, getattr(self.trainer, subcommand)))

    def _run(self, method: Callable[..., Any], **options: Any) -> None:
        """Run the trainer; what fails before a batch is trained on is due to what was given."""
        try:
            method(**options)
        except (Error, OSError, MisconfigurationException):
            raise
        except Exception as error:
            if self.checks.trained:
                raise
            reason = f"{type(error).__name__}: {error}"
            if self.checkpoint and self.subcommand == "fit":
                raise CheckpointError(f"ckpt_path is {self.checkpoint.path}: {reason}") from error
            raise UsageError(reason) from error

    def before_fit(self) -> None:
        """Get the data first: without it no folder is made, and its source names the folder."""
        check_fit(self.trainer, self.model, self.checkpoint)
        if self.checkpoint:
            # a run that goes on does so in a folder of its own; the earlier best stays in the other
            warnings.filterwarnings("ignore", message="The dirpath has changed")
            # the metrics of an epoch whose batches are all done are restored, not updated
            warnings.filterwarnings("ignore", message="The ``compute`` method of metric")
        ours = isinstance(self.datamodule, MNISTDataModule)
        if ours:
            self.datamodule.prepare_data()
        name = self.datamodule.name if ours else type(self.datamodule).__name__
        self.run_folder.name = name
        for each in self.trainer.loggers:
            if isinstance(each, logger.RunLogger):
                each.set_name(name)
        folder = self.run_folder.claim(self.trainer)
        if folder and (folder / "config.yaml").exists():
            raise UsageError(f"trainer.logger: {folder} holds a run already")


def _listed(given: Any) -> list[Any]:
    """One or many, or none, as a list."""
    return list(given) if isinstance(given, list | tuple) else [given] if given else []
