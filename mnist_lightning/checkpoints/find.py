"""Checkpoints on disk: which one is meant, and what it was made with."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentError, ArgumentParser
from packaging.version import Version

from mnist_lightning.checkpoints.archive import previous, read_checkpoint
from mnist_lightning.checkpoints.content import misfit
from mnist_lightning.data.datamodule import LOCAL, MNISTDataModule
from mnist_lightning.errors import CheckpointError
from mnist_lightning.models.classifier import MNISTClassifier

LOGS_DIR = "logs"  # folder of all runs
# What a checkpoint whose content is not what it should be may raise
MISFITS = (
    ArgumentError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True)
class Settings:
    """What a checkpoint was made with: the arguments of the classifier and of the data module.

    ``resumable`` tells whether it holds the optimiser's state too, or weights alone; ``averaged``
    whether the weights are a mean beside those that train; ``trainer`` are the options of its
    trainer that a run must keep to go on.
    """

    model: dict[str, Any]
    data: dict[str, Any]
    resumable: bool
    averaged: bool
    trainer: dict[str, Any]

    def as_defaults(self) -> dict[str, Any]:
        """The settings as defaults of the command line's options."""
        model = {f"model.{name}": value for name, value in self.model.items()}
        data = {f"data.{name}": value for name, value in self.data.items()}
        data.pop("data.seed", None)  # follows seed_everything
        return {**model, **data}

    def differences(self, config: Any, with_data: bool) -> list[str]:
        """Say which options the checkpoint cannot follow, one line each.

        Args:
            config: Parsed options, with the groups ``model`` and ``data``.
            with_data: Compare the data too: a run goes on only with the same.
        """
        lines = []
        for group, settings in (("model", self.model), ("data", self.data if with_data else {})):
            for name, stored in settings.items():
                given = config[group].get(name, stored)
                if _plain(given) != _plain(stored):
                    option = "seed_everything" if name == "seed" else f"{group}.{name}"
                    lines.append(f"{option} is {given}, but the checkpoint was made with {stored}")
        return lines


def find_checkpoint(wanted: str | None, logs_dir: str = LOGS_DIR) -> Path:
    """Find the checkpoint that is meant.

    Args:
        wanted: A path; or ``last`` or ``best`` of the newest run; or None: the newest run's best if
            there is one, else its last.
        logs_dir: Folder of all runs.

    Raises:
        CheckpointError: There is none.
    """
    if wanted not in (None, "last", "best"):
        if not os.path.isfile(wanted):  # False for a name that is too long, too
            raise CheckpointError(f"ckpt_path is {wanted}: there is no such file")
        return Path(wanted)
    found = sorted(
        Path(logs_dir).glob("*/*/checkpoints/*.ckpt"), key=lambda path: path.stat().st_mtime
    )
    for stem in (wanted,) if wanted else ("best", "last"):
        path = found[-1].with_name(f"{stem}.ckpt") if found else None
        if path and (path.is_file() or previous(path).is_file()):
            return path
    raise CheckpointError(
        f"no checkpoint {wanted or 'of a run'} under {logs_dir}: run fit first, or give --ckpt_path"
    )


def run_folder(checkpoint: Path) -> Path:
    """The folder of the run that a checkpoint belongs to."""
    folder = checkpoint.parent
    return folder.parent if folder.name == "checkpoints" else folder


def open_checkpoint(wanted: str | None, logs_dir: str = LOGS_DIR) -> tuple[Path, Settings]:
    """Find the checkpoint that is meant and read its settings.

    Where a run's own checkpoint is damaged or missing, the one before it is taken, and a line says
    so.

    Args:
        wanted: As of ``find_checkpoint``.
        logs_dir: Folder of all runs.

    Raises:
        CheckpointError: There is none, or none that is sound.
    """
    path = find_checkpoint(wanted, logs_dir)
    try:
        return path, read_settings(path)
    except CheckpointError as error:
        before = previous(path)
        if wanted not in (None, "last", "best") or not before.is_file():
            raise
        settings = read_settings(before)
        print(f"{error}; the one before it is used", flush=True)
        return before, settings


def read_settings(checkpoint: Path) -> Settings:
    """Read what a checkpoint was made with, once it is known to be whole and of our network.

    Raises:
        CheckpointError: It is missing, damaged, or of another network.
    """
    return _settings(checkpoint, read_checkpoint(checkpoint))


def read_classifier(checkpoint: Path) -> tuple[MNISTClassifier, Settings]:
    """Read a trained classifier, on the CPU and set to evaluation, and what it was made with.

    Raises:
        CheckpointError: The file is missing, damaged, or of another network.
    """
    content = read_checkpoint(checkpoint)
    settings = _settings(checkpoint, content)
    classifier = MNISTClassifier(**settings.model)
    classifier.load_state_dict(dict(content["state_dict"]))
    return classifier.eval(), settings


def _settings(checkpoint: Path, content: dict[str, Any]) -> Settings:
    """Check the settings in a checkpoint, and all else in it against the network they describe."""
    model, data = content.get("hyper_parameters"), content.get("datamodule_hyper_parameters", {})
    if not isinstance(model, dict) or "conv_channels" not in model:
        raise CheckpointError(f"ckpt_path is {checkpoint}: not a checkpoint of MNISTClassifier")
    try:
        # no place on disk or in the network, whatever the checkpoint says
        data = {name: value for name, value in data.items() if name not in LOCAL}
        _check_types(MNISTDataModule, data)
        _check_types(MNISTClassifier, model)
        MNISTDataModule(**data)
        with torch.device("meta"):  # sizes only, however large they claim to be
            wrong = misfit(content, MNISTClassifier(**model))
        Version(content["pytorch-lightning_version"])
    except MISFITS as error:
        reason = f"{type(error).__name__}: {error}"
        raise CheckpointError(f"ckpt_path is {checkpoint}: {reason}") from error
    if wrong:
        raise CheckpointError(f"ckpt_path is {checkpoint}: {wrong}")
    resumable, averaged = bool(content.get("optimizer_states")), "averaging_state" in content
    return Settings(dict(model), data, resumable, averaged, content.get("trainer_options", {}))


def _check_types(kind: type, settings: dict[str, Any]) -> None:
    """Refuse settings that the command line would not take for a class."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind)
    parser.parse_object(settings)


def _plain(value: Any) -> Any:
    """A tuple and a list of the same values are the same setting."""
    return list(value) if isinstance(value, tuple) else value
