"""Command lines as a function: our ``main``, and Lightning's own."""

import shlex
import signal
from pathlib import Path
from typing import Any

import torch
from conftest import NO_FIGURES
from lightning.pytorch.cli import LightningCLI
from rows import Row
from sides import BATCH, SIZES, Side, StockData, StockModule

from mnist_lightning.__main__ import main
from mnist_lightning.checkpoints.runs import Run

TRAINER = shlex.split("--trainer.accelerator cpu --trainer.max_epochs 2")
TRAINER += shlex.split("--trainer.enable_progress_bar false --trainer.enable_model_summary false")
SMALL = shlex.split("--model.conv_channels [4,4] --model.hidden_dims [16] --model.lr 0.01")


def run(side: Side, command: str, checkpoint: Path | None, more: list[str]) -> Run:
    """Run a command by the function that a side has for it."""
    sizes = ["--data.batch_size", str(BATCH), *TRAINER, *more]
    sizes += ["--ckpt_path", str(checkpoint)] if checkpoint else []
    if side.ours:
        digits = ["--data.source", "synthetic", "--data.synthetic_size", str([*SIZES])]
        digits += ["--data.data_dir", str(side.images)]
        done = main([command, *digits, *SMALL, *sizes, *NO_FIGURES])
        assert done
        return done
    arguments = [command, "--data.folder", str(side.images), *sizes]
    trainer = LightningCLI(StockModule, StockData, args=arguments).trainer
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    kept: Any = trainer.checkpoint_callback
    used = Path(kept.best_model_path) if command == "fit" else checkpoint
    return Run(Path(str(trainer.log_dir)), metrics, used)


def lines(*commands: str) -> Row:
    """Commands in turn, each but the first with the first one's checkpoint."""

    def row(side: Side) -> list[Any]:
        came_to: list[Any] = []
        checkpoint = None
        for command, *more in map(shlex.split, commands):
            before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
            done = run(side, command, checkpoint, more)
            after = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
            assert done.checkpoint
            content = torch.load(done.checkpoint, weights_only=True)
            came_to += [sorted(done.metrics), bool(done.folder and done.folder.is_dir())]
            came_to += [content["epoch"], content["global_step"], done.checkpoint == checkpoint]
            came_to += [type(side.load(done.checkpoint)) is type(side.module()), before == after]
            checkpoint = checkpoint or done.checkpoint
        return came_to

    return row
