"""What a run comes to: the lines that it prints, ``summary.json`` and ``metrics.json``."""

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer

from mnist_lightning import PROGRAM, __version__
from mnist_lightning.checkpoints.last_checkpoint import trainer_options
from mnist_lightning.checkpoints.shown import left_out
from mnist_lightning.data.datamodule import TITLES, MNISTDataModule, attached_data, data_name
from mnist_lightning.data.datasets import MNIST
from mnist_lightning.files import atomic_write
from mnist_lightning.report.layer_table import layers
from mnist_lightning.report.provenance import describe_run
from mnist_lightning.report.scores import Scores, describe_pair, wilson_interval

PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics")
ORIGINAL_RIGHT, ORIGINAL_COUNT = 9_885, 10_000  # README of the Keras project
HELD_OUT, TEST = "held-out images", "test images"
WARNING = "SYNTHETIC DIGITS: generated images, not MNIST; figures say nothing of MNIST."

Data = MNISTDataModule | None  # None if the trainer's data module is not ours


def source_lines(data: Data) -> list[str]:
    """Warn where the images are not MNIST."""
    if data is None or data.source != "synthetic":
        return []
    own = "The network was trained on SYNTHETIC DIGITS: expect more mistakes."
    return [own if data.pictures else WARNING]


def opening_lines(trainer: Trainer) -> list[str]:
    """Say what the run trains on, and what validates it."""
    data, name = attached_data(trainer), data_name(trainer)
    if data is None:
        return [f"{name} gives the images."] if name else []
    name = TITLES.get(str(name), name) if data.source == "mnist" else "synthetic"
    lines = [*source_lines(data), f"{len(data.train):,} {name} images train."]
    if data.val_size:
        held_out = f"{data.val_size:,} held out validate each epoch; the test set is untouched."
        return [*lines, held_out]
    as_there = f"The {len(data.val):,} test images validate each epoch, as in the original."
    return [*lines, *([as_there] if trainer.enable_validation else [])]


def count_lines(scores: Scores, stage: str, trainer: Trainer) -> list[str]:
    """Count the images classified correctly, beside the original where it compares."""
    name = _images(stage, attached_data(trainer))
    counts = {f"{name}:": (scores.right, scores.count)}
    if data_name(trainer) == MNIST.name and name == TEST and scores.count == ORIGINAL_COUNT:
        counts["the Keras original:"] = (ORIGINAL_RIGHT, ORIGINAL_COUNT)
    lines = []
    for title, (right, count) in counts.items():
        low, high = wilson_interval(right, count)
        wrong = f"{count - right:>5,} classified incorrectly"
        lines += [f"{title:<20} {right:>6,} classified correctly, {wrong}"]
        lines += [f"{'':<20} {right / count:.2%}, 95 % interval {low:.2%} to {high:.2%}"]
    if name == HELD_OUT:
        how = f"; `{PROGRAM} test` scores it" if trainer.checkpoint_callbacks else ""
        lines.append(f"The test set was not looked at{how}.")
    return lines


def metric_lines(trainer: Trainer) -> list[str]:
    """List what an evaluation logged."""
    return [f"{name} {value:.4f}" for name, value in sorted(trainer.callback_metrics.items())]


def score_lines(scores: Scores) -> list[str]:
    """Tabulate the scores of each class, in lines of at most 79 characters."""
    error = scores.calibration_error
    lines = [f"loss {scores.loss:.4f}, expected calibration error {error:.4f}", ""]
    noun = next(iter(scores.digits[0]))
    rows = [[noun, "precision", "recall", "F1", "images"]]
    rows += [[cell(value) for value in each.values()] for each in scores.digits]
    width = max(len(name) for name, *_ in rows)
    for name, precision, recall, f1, images in rows:
        lines += [f"{name:>{width}}  {precision:>9}  {recall:>6}  {f1:>6}  {images:>6}"]
    lines += ["", "most frequent confusions:"] if scores.confusions else [""]
    pairs = [tuple(each.values()) for each in scores.confusions]
    return lines + [f"  {describe_pair(label, name)}: {count:,}" for label, name, count in pairs]


def cell(value: float | str | None) -> str:
    """Write a name, a count, or a score with four decimals, or a dash where it is undefined."""
    if isinstance(value, str | None):
        return value or "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def write_summary(
    folder: Path, trainer: Trainer, module: LightningModule, scores: Scores | None, seconds: float
) -> None:
    """Write protocol, counts, metrics, hyperparameters and versions at the end of a fit."""
    data = attached_data(trainer)
    protocol = "test set validates after each epoch; last epoch counts" if data else None
    if data and data.val_size:
        protocol = f"{data.val_size} training images held out for validation; test set untouched"
    counts = {"right": scores.right, "wrong": scores.count - scores.right} if scores else {}
    table: list[tuple[str, str, int]] = []
    with left_out(trainer, "the table of layers in summary.json"):
        table = layers(module)
    settings = _settings(trainer, module, data)
    versions = {"mnist_lightning": __version__, "python": platform.python_version()}
    summary = {
        "source": data_name(trainer),
        "protocol": protocol,
        **counts,
        "metrics": {name: each.item() for name, each in sorted(trainer.callback_metrics.items())},
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "seconds": round(seconds, 3),
        "seed": data.seed if data else None,
        "layers": table,
        "settings": settings,
        **describe_run(trainer, module, settings),
        "versions": versions | {name: version(name) for name in PACKAGES},
    }
    _write_json(folder / "summary.json", summary)


def write_metrics(path: Path, stage: str, scores: Scores, trainer: Trainer) -> None:
    """Write the scores of ``val`` or ``test``, their source and the tested checkpoint's name."""
    data, checkpoint = attached_data(trainer), trainer.ckpt_path if stage == "test" else None
    source = {
        "images": _images(stage, data),
        "source": data_name(trainer),
        "checkpoint": Path(str(checkpoint)).name if checkpoint else None,
    }
    _write_json(path, source | asdict(scores))


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _images(stage: str, data: Data) -> str:
    if data is None:
        return f"{stage} images"
    return HELD_OUT if stage == "val" and data.val_size else TEST


def _settings(trainer: Trainer, module: LightningModule, data: Data) -> dict[str, Any]:
    """The options that the result depends on, by their names on the command line."""
    options = {"max_epochs": trainer.max_epochs, **trainer_options(trainer)}
    groups = {"model": module.hparams, "data": data.hparams if data else {}, "trainer": options}
    settings = {
        f"{group}.{name}": value if isinstance(value, int | float | None) else str(value)
        for group, values in groups.items()
        for name, value in values.items()
    }
    if data:
        settings["seed_everything"] = settings.pop("data.seed")
    return settings
