"""A command that has a Trainer: fit, validate, test or predict."""

import logging
import threading
import warnings
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentError
from lightning import LightningDataModule, LightningModule
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import LightningArgumentParser

from mnist_lightning import PROGRAM
from mnist_lightning.checkpoints.run_folder import run_folder
from mnist_lightning.checkpoints.runs import Run
from mnist_lightning.cli.classes import GROUPS, classes_first, names_class
from mnist_lightning.cli.cli import CLI
from mnist_lightning.cli.options import Parser
from mnist_lightning.cli.run_config import RunConfig
from mnist_lightning.data.datamodule import MNISTDataModule
from mnist_lightning.errors import UsageError
from mnist_lightning.models.classifier import MNISTClassifier


def run_command(arguments: list[str]) -> Run:
    """Run it, or raise a UsageError for what Lightning refuses."""
    _silence_tips()
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")  # TF32, as cuDNN's convolutions have anyway
    try:
        cli = make_cli(arguments)
    except (ArgumentError, MisconfigurationException) as error:
        raise UsageError(str(error)) from error
    # Lightning does so with NCCL alone; gloo's threads can abort a process that ends before them
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return _result(cli)


def make_cli(arguments: list[str], kind: type[CLI] = CLI) -> CLI:
    """Parse the arguments of a command, and run it as ``kind`` does."""
    shared: dict[str, Any] = {"exit_on_error": False, "allow_abbrev": False}
    arguments = classes_first(arguments)
    model, data = (names_class(arguments, group) for group in GROUPS)
    return kind(
        LightningModule if model else MNISTClassifier,
        LightningDataModule if data else MNISTDataModule,
        subclass_mode_model=model,
        subclass_mode_data=data,
        parser_class=Parser,
        parser_kwargs={"prog": PROGRAM, **shared, **{x: dict(shared) for x in CLI.subcommands()}},
        args=arguments,
        save_config_callback=RunConfig,
        save_config_kwargs={"save_to_log_dir": False},
        auto_configure_optimizers=False,  # the classifier has its own
        load_from_checkpoint_support=False,  # plain hyper-parameters need no help
    )


class _Collector(CLI):
    """Makes the parsers, and stops where it would parse."""

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Give the parsers to ``command_parsers``."""
        raise _FoundError(self.parsers)


class _FoundError(Exception):
    """Carries the parsers out of LightningCLI, which has no way to make them alone."""


def command_parsers() -> dict[str, LightningArgumentParser]:
    """The parser of each command that has a Trainer, with our classes for model and data."""
    try:
        make_cli(["fit"], _Collector)
    except _FoundError as found:
        return dict(found.args[0])
    raise AssertionError("LightningCLI parses what it is given")


def _result(cli: CLI) -> Run:
    trainer = cli.trainer
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    if cli.checkpoint and cli.subcommand != "fit":
        return Run(Path(trainer.default_root_dir), metrics, cli.checkpoint.path)
    folder = run_folder(trainer)
    kept = [folder / "checkpoints" / f"{stem}.ckpt" for stem in ("best", "last")] if folder else []
    return Run(folder, metrics, next(filter(Path.is_file, kept), None))


def _silence_tips() -> None:
    """Keep advertisements and progress notes of libraries off the terminal."""
    threading.excepthook = _thread_failed
    for package in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(package).setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch.profilers").setLevel(logging.INFO)  # --trainer.profiler
    # Lightning 2.6 on torch 2.15, and per-step logging, which we do not do: nothing to mend
    warnings.filterwarnings("ignore", message=".*treespec, LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*smaller than the logging interval.*")
    # a gradient that is laid out in memory as the kernel made it; DDP copies it
    warnings.filterwarnings("ignore", message="Grad strides do not match")
    # a batch from memory costs less than handing it over from a worker process
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    """Say nothing of a full disk in TensorBoard's thread: the logger warns of it."""
    if not isinstance(failure.exc_value, OSError):
        threading.__excepthook__(failure)
