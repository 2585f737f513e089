"""Hyperparameters in a checkpoint, as a Trainer's module and data module take them."""

from dataclasses import replace
from typing import Any

import torch
from jsonargparse import ArgumentParser

from mnist_lightning.checkpoints.checkpoint import Checkpoint
from mnist_lightning.data.datamodule import LOCAL, MNISTDataModule
from mnist_lightning.errors import CheckpointError
from mnist_lightning.models.classifier import PARTS, MNISTClassifier


def check_hyperparameters(checkpoint: Checkpoint) -> Checkpoint:
    """Give the checkpoint with all settings that MNISTClassifier and MNISTDataModule take.

    Raises:
        CheckpointError: The command line would not take one of them.
    """
    content, model = checkpoint.content, checkpoint.model
    try:
        data = _data_settings(content)
        if not checkpoint.kind:
            stored = content.get("hyper_parameters", {})
            model = {name: x for name, x in stored.items() if name not in PARTS or x is not None}
            _parse(MNISTClassifier, model)
            model = settings_of(MNISTClassifier, model)
            with torch.device("meta"):  # sizes only
                MNISTClassifier(**model)
    except Exception as error:  # hostile content fails in any way
        reason = f"{type(error).__name__}: {error}"
        raise CheckpointError(f"ckpt_path is {checkpoint.path}: {reason}") from error
    return replace(checkpoint, model=model, data=data)


def settings_of(kind: Any, stored: dict[str, Any]) -> dict[str, Any]:
    """Those of the stored settings that a class takes as plain values; none of a module."""
    if not isinstance(kind, type):
        return {}
    parser = ArgumentParser(exit_on_error=False)
    taken = {*parser.add_class_arguments(kind, fail_untyped=False)} - {*PARTS, *LOCAL}
    return {name: value for name, value in stored.items() if name in taken}


def _data_settings(content: dict[str, Any]) -> dict[str, Any]:
    """Settings of MNISTDataModule; no place on disk or in the network is taken."""
    try:
        settings = settings_of(MNISTDataModule, content.get("datamodule_hyper_parameters", {}))
        _parse(MNISTDataModule, settings)
        MNISTDataModule(**settings, predict_path=".")  # a folder of images need not be here
    except Exception:
        if MNISTDataModule.__qualname__ in content:  # its state
            raise
        return {}  # of another data module
    return settings


def _parse(kind: type, settings: dict[str, Any]) -> None:
    """Refuse what the command line would not take; no class is looked for."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind, skip=set(PARTS))
    parser.parse_object(settings)
