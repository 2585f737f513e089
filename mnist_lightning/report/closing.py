"""The closing lines of a run: what it left, and what to do next."""

import shlex
import time
from pathlib import Path

from lightning import LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from mnist_lightning import PROGRAM
from mnist_lightning.checkpoints.run_folder import RunFolder
from mnist_lightning.checkpoints.runs import LOGS_DIR
from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.models.classifier import MNISTClassifier

# TensorBoard smooths by 0.6 where it is not told otherwise, which bends curves of a few epochs
BOARD = "http://localhost:6006/?smoothing=0"


def closing_lines(
    trainer: Trainer, module: LightningModule, folder: Path, started: float, page: str = ""
) -> list[str]:
    """Say how long a fit took since ``time.perf_counter`` was ``started``, and what it left.

    ``page`` is the line that says where its page is, if it has one.
    """
    data = attached_data(trainer)
    synthetic = data is not None and data.source == "synthetic"
    lines = ["This run used SYNTHETIC DIGITS: it is not an MNIST result."] if synthetic else []
    lines += [named("Time", format_seconds(time.perf_counter() - started))]
    lines += [named("Run folder", folder), *([page] if page else [])]
    if path := checkpoint_path(trainer, folder):
        lines += [named("Checkpoint", path)]
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):  # the runs beside this one, to compare
            runs = shlex.quote(str(Path(logger.root_dir)))
            lines += [named("Curves", f"tensorboard --logdir {runs}"), named("", BOARD)]
    if _finds(trainer, module, folder):
        which = " --ckpt_path last" if synthetic else ""
        lines += [named("Next", f"{PROGRAM} test{which}"), named("", f"{PROGRAM} draw{which}")]
        lines += [named("", f"{PROGRAM} predict{which} --data.predict_path PHOTOS")]
    return lines


def named(name: str, value: object) -> str:
    """A line of a value under those of others."""
    return f"{name + ':' if name else '':<11} {value}"


def format_seconds(seconds: float) -> str:
    """Hours, minutes and seconds, as far as there are any."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def checkpoint_path(trainer: Trainer, folder: Path) -> Path | None:
    """The best checkpoint of a run, or else its last, or what a callback of Lightning kept."""
    paths = [folder / "checkpoints" / f"{stem}.ckpt" for stem in ("best", "last")]
    for callback in trainer.checkpoint_callbacks:
        if kept := getattr(callback, "best_model_path", ""):
            paths.append(Path(kept))
    return next(filter(Path.is_file, paths), None)


def _finds(trainer: Trainer, module: LightningModule, folder: Path) -> bool:
    """Whether the command line finds the run by itself, and can open its checkpoint."""
    plain = type(module) is MNISTClassifier and not module.hparams.get("net")
    root = RunFolder.attach(trainer).root
    kept = (folder / "checkpoints" / "last.ckpt").is_file()
    return plain and root is not None and Path(root) == Path(LOGS_DIR) and kept
