"""Where a run comes from: its date, its recipe, the machine, and which settings are its own."""

import inspect
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

from mnist_lightning.data.datamodule import attached_data


def describe_run(
    trainer: Trainer, module: LightningModule, settings: dict[str, Any]
) -> dict[str, Any]:
    """Tell ``date``, ``recipe``, ``machine`` and ``changed``: defaults of settings that differ.

    No path and no name of a user is in it; ``settings`` are by their names on the command line.
    """
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "recipe": _recipe(trainer),
        "machine": describe_machine(trainer),
        "changed": _changed(trainer, module, settings),
    }


def describe_machine(trainer: Trainer) -> str:
    """Processor, or GPU, and cores, in words."""
    device = trainer.strategy.root_device
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return f"{name}, {cores()} cores"


def processor() -> str:
    """The processor's name; where the system keeps no file of it, its kind, such as arm64."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def cores() -> int:
    """Cores that the process may use; Linux alone tells that."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _command(trainer: Trainer) -> SaveConfigCallback | None:
    """What knows the command line of the run, and its defaults, if it has one."""
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    return next((each for each in callbacks if isinstance(each, SaveConfigCallback)), None)


def _recipe(trainer: Trainer) -> str | None:
    """Names of the configuration files, without their folders."""
    command = _command(trainer)
    files = command.config.get("config") if command else None
    return ", ".join(Path(str(file)).name for file in files or () if file) or None


def _changed(trainer: Trainer, module: LightningModule, settings: dict[str, Any]) -> dict[str, Any]:
    given, defaults = dict(settings), dict[str, Any]()
    for group, owner in (("model", module), ("data", attached_data(trainer))):
        parameters = inspect.signature(type(owner)).parameters if owner else {}
        known = {name: x for name, x in parameters.items() if x.default is not x.empty}
        defaults |= {f"{group}.{name}": each.default for name, each in known.items()}
    if command := _command(trainer):
        found = command.parser.get_defaults()
        resumed = ("model.", "data.") if trainer.ckpt_path else ()  # its settings are the defaults
        for name in settings:
            if name in found and not name.startswith(resumed):
                given[name], defaults[name] = command.config[name], found[name]
    return {
        name: _plain(defaults[name])
        for name in settings
        if name in defaults and _plain(given[name]) != _plain(defaults[name])
    }


def _plain(value: Any) -> int | float | str | None:
    """A value as the settings of a run hold it; a pair is a list there."""
    if isinstance(value, int | float | None):
        return value
    return str([*value]) if isinstance(value, list | tuple) else str(value)
