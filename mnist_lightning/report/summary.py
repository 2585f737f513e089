"""The numbers of a run as JSON: ``summary.json`` and ``metrics.json``."""

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer

from mnist_lightning import __version__
from mnist_lightning.checkpoints.last_checkpoint import trainer_options
from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.files import atomic_write
from mnist_lightning.report.layer_table import layers
from mnist_lightning.report.lines import Data, images_name
from mnist_lightning.report.scores import Scores

PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics")


def summarize(
    trainer: Trainer, module: LightningModule, scores: Scores | None, seconds: float
) -> dict[str, Any]:
    """Collect protocol, counts, metrics, hyperparameters and versions at the end of a fit."""
    data = attached_data(trainer)
    counts = {"right": scores.right, "wrong": scores.count - scores.right} if scores else {}
    return {
        "source": data.source if data else None,
        "protocol": _protocol(data),
        **counts,
        "metrics": {name: each.item() for name, each in sorted(trainer.callback_metrics.items())},
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "seconds": round(seconds, 3),
        "seed": data.seed if data else None,
        "layers": layers(module),
        "settings": _settings(trainer, module),
        "versions": {
            "mnist_lightning": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
    }


def describe(scores: Scores, stage: str, data: Data, checkpoint: object) -> dict[str, Any]:
    """Collect scores, their source and the checkpoint's name; ``stage`` is ``val`` or ``test``."""
    return {
        "images": images_name(stage, data),
        "source": data.source if data else None,
        "checkpoint": Path(str(checkpoint)).name if checkpoint else None,
        **asdict(scores),
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file atomically; its folder is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _settings(trainer: Trainer, module: LightningModule) -> dict[str, Any]:
    """The options that the result depends on, by their names on the command line."""
    data = attached_data(trainer)
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


def _protocol(data: Data) -> str | None:
    if data is None:
        return None
    if data.val_size:
        return f"{data.val_size} training images held out for validation; test set untouched"
    return "test set validates after each epoch; last epoch counts"
