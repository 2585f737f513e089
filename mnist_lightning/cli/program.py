"""The program: its commands, and how it ends."""

import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentError, ArgumentParser
from lightning import LightningDataModule, LightningModule
from lightning.fabric.utilities.exceptions import MisconfigurationException

from mnist_lightning import __version__
from mnist_lightning.checkpoints.run_folder import run_folder
from mnist_lightning.checkpoints.runs import Run
from mnist_lightning.cli.allocator import keep_freed_memory
from mnist_lightning.cli.classes import GROUPS, classes_first, names_class
from mnist_lightning.cli.cli import CLI
from mnist_lightning.cli.options import Parser
from mnist_lightning.cli.run_config import RunConfig
from mnist_lightning.cli.usage import parse
from mnist_lightning.data.datamodule import MNISTDataModule
from mnist_lightning.errors import Error, printable
from mnist_lightning.export.export import export
from mnist_lightning.export.keras import export_keras, import_keras
from mnist_lightning.handwriting.draw import draw
from mnist_lightning.models.classifier import MNISTClassifier

PROGRAM = "mnist-lightning"
# Subcommands that need no trainer; what they take by keyword alone is an option
FUNCTIONS: tuple[Callable[..., None], ...] = (draw, export, import_keras, export_keras)
TOOLS = {tool.__name__.replace("_", "-"): tool for tool in FUNCTIONS}
DESCRIPTION = (
    f"Classify MNIST digits. Also {', '.join(TOOLS)}, each with --help. "
    "--debug shows the traceback of an error."
)
LINE = 200  # characters of an error, at most


def run(args: Sequence[str] | None = None) -> Run | None:
    """Run the command line, by default with the arguments of the process; None of a tool.

    Raises:
        SystemExit: With one line on stderr; code 2 for a command or file that cannot be used, 3 for
            data, 4 for a checkpoint, 5 for training that cannot go on.
        Stopped: By SIGINT or SIGTERM.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in arguments or bool(os.environ.get("MNIST_LIGHTNING_DEBUG"))
    _silence_tips()
    if args is None:  # the process is ours
        keep_freed_memory()
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")  # TF32, as cuDNN's convolutions have anyway
    try:
        return _run([argument for argument in arguments if argument != "--debug"])
    except (Error, ArgumentError, MisconfigurationException, OSError) as error:
        reason = str(error)
        if isinstance(error, OSError):  # a folder that cannot be written, a full disk
            debug |= not error.errno
            reason = f"{error.filename or 'writing'}: {error.strerror}"
        if debug:
            raise
        line = printable(f"{PROGRAM}: error: {' '.join(reason.split())}")
        if len(line) > LINE:  # what is named first and what is allowed, last, stay
            half = (LINE - len(" ... ")) // 2
            line = f"{line[:half]} ... {line[-half:]}"
        print(line, file=sys.stderr)
        raise SystemExit(getattr(error, "exit_code", Error.exit_code)) from None


def _run(arguments: list[str]) -> Run | None:
    if arguments and arguments[0] in TOOLS:
        name, *args = arguments
        tool = TOOLS[name]
        summary = (tool.__doc__ or "").partition("\n")[0]
        parser = ArgumentParser(prog=f"{PROGRAM} {name}", description=summary, exit_on_error=False)
        parser.add_function_arguments(tool, as_positional=True, as_group=False)
        tool(**parse(parser, args, parser))
        return None
    shared: dict[str, Any] = {"exit_on_error": False, "allow_abbrev": False}
    program = {"prog": PROGRAM, "version": __version__, "description": DESCRIPTION, **shared}
    arguments = classes_first(arguments)
    model, data = (names_class(arguments, group) for group in GROUPS)
    cli = CLI(
        LightningModule if model else MNISTClassifier,
        LightningDataModule if data else MNISTDataModule,
        subclass_mode_model=model,
        subclass_mode_data=data,
        parser_class=Parser,
        parser_kwargs=program | {each: dict(shared) for each in CLI.subcommands()},
        args=arguments,
        save_config_callback=RunConfig,
        save_config_kwargs={"save_to_log_dir": False},
        auto_configure_optimizers=False,  # the classifier has its own
        load_from_checkpoint_support=False,  # plain hyper-parameters need no help
    )
    # Lightning does so with NCCL alone; gloo's threads can abort a process that ends before them
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
    return _result(cli)


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
