"""A checkpoint of a classifier: read and verified once, then handed on as an object."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentParser
from lightning import LightningModule
from packaging.version import Version
from torch import Tensor

from mnist_lightning.checkpoints.archive import leaves, read_archive
from mnist_lightning.data.datamodule import LOCAL, MNISTDataModule
from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.datasets import find_source, stored_name, synthetic_digits
from mnist_lightning.data.source import Source, class_names
from mnist_lightning.errors import CheckpointError, UnknownClassError
from mnist_lightning.models.classifier import PARTS, MNISTClassifier

MOST = 2**48  # batches, steps and epochs that can be counted
PLAIN = (str, int, float, type(None))


# Which class a checkpoint is opened with, or the module itself that its weights are loaded into
Kind = type[LightningModule] | LightningModule


@dataclass(frozen=True)
class Checkpoint:
    """A sound checkpoint, by default of MNISTClassifier."""

    path: Path
    content: dict[str, Any]  # all that the file holds
    model: dict[str, Any]  # hyperparameters that the module's class takes
    data: dict[str, Any]  # and our data module, if it was one, without places of a machine
    kind: Kind = MNISTClassifier

    def module(self) -> LightningModule:
        """Build the trained module, on the CPU and set to evaluation; else a CheckpointError."""
        try:
            module = self.kind(**self.model) if isinstance(self.kind, type) else self.kind
            module.load_state_dict(self.content["state_dict"])
        except Exception as error:  # another's class fails in any way
            raise CheckpointError(f"ckpt_path is {self.path}: {error}") from error
        return module.eval()

    def classifier(self) -> MNISTClassifier:
        """Build it where the kind is MNISTClassifier."""
        module = self.module()
        assert isinstance(module, MNISTClassifier)
        return module

    def source(self, data_dir: str = "data") -> Source:
        """The data set that it was trained on, with the network's classes.

        Of a folder that is not there, and of somebody else's data, no more is known than that.
        """
        name, split = self.data.get("dataset", "mnist"), self.data.get("split", "balanced")
        source = find_source(name, split, Path(data_dir), required=False)
        if "source" not in self.data:
            source = replace(source, name="unknown", title="unknown data")
        elif self.data["source"] == "synthetic":
            source = synthetic_digits()
        count = self.model.get("num_classes", len(source.classes))
        return replace(source, classes=class_names(source.classes, count))

    def scaling(self) -> Scaling:
        """Scaling of the images that it was trained on."""
        return self.source().scaling(self.data.get("normalize", "unit")) or Scaling()


def read_checkpoint(path: Path, kind: Kind | None = None) -> Checkpoint:
    """Read a checkpoint; a CheckpointError if it is missing, damaged, or of another network.

    Its settings and weights are checked; the rest is left to who resumes. A checkpoint tells the
    name of its class, but only a class that is given is used: its settings and weights are checked
    when it is built.
    """
    content = read_archive(path)
    try:
        stored = content.get("hyper_parameters", {})
        if not kind:
            _check_class(content, stored)
        data = _data_settings(content)
        wrong = _find_fault(content) or ("" if kind else _find_mismatch(content, stored))
        model = _settings(kind or MNISTClassifier, stored)
    except CheckpointError as error:
        raise type(error)(f"ckpt_path is {path}: {error}") from error
    except Exception as error:  # hostile content fails in any way
        raise CheckpointError(f"ckpt_path is {path}: {type(error).__name__}: {error}") from error
    if wrong:
        raise CheckpointError(f"ckpt_path is {path}: {wrong}")
    return Checkpoint(path, content, model, data, kind or MNISTClassifier)


def find_mismatch(weights: Mapping[str, Any], expected: Mapping[str, Tensor]) -> str:
    """Say which name, shape or dtype does not match the expected weights; "" if none."""
    for name in (*expected, *weights):
        if name not in weights:
            return f"{name} is missing"
        if name not in expected:
            return f"{name} is not the network's"
        given, wanted = weights[name], expected[name]
        if given.shape != wanted.shape:
            return f"{name} has shape {tuple(given.shape)}, the network {tuple(wanted.shape)}"
        if given.is_floating_point() != wanted.is_floating_point():
            return f"{name} is {given.dtype}, in the network {wanted.dtype}"
    return ""


def _check_class(content: dict[str, Any], model: Any) -> None:
    """Say which class or network must be given to open the checkpoint, if one must be."""
    if name := content.get("model_class"):
        raise UnknownClassError(f"of class {name}: give --model {name}")
    if not isinstance(model, dict) or "conv_channels" not in model:
        raise CheckpointError("not a checkpoint of MNISTClassifier; give --model its class")
    if net := model.get("net"):
        raise UnknownClassError(f"of the network {net}: give --model.net {net}")


def _settings(kind: Any, stored: dict[str, Any]) -> dict[str, Any]:
    """Those of the stored settings that a class takes as plain values; none of a module."""
    if not isinstance(kind, type):
        return {}
    parser = ArgumentParser(exit_on_error=False)
    taken = {*parser.add_class_arguments(kind, fail_untyped=False)} - {*PARTS, *LOCAL}
    return {name: value for name, value in stored.items() if name in taken}


def _data_settings(content: dict[str, Any]) -> dict[str, Any]:
    """Settings of MNISTDataModule; no place on disk or in the network is taken."""
    try:
        settings = _settings(MNISTDataModule, content.get("datamodule_hyper_parameters", {}))
        _parse(MNISTDataModule, settings)
        if (dataset := settings.get("dataset", "mnist")) != stored_name(dataset):
            raise ValueError("its dataset is a path")
        MNISTDataModule(**settings, predict_path=".")  # a folder of images need not be here
    except Exception:
        if MNISTDataModule.__qualname__ in content:  # its state
            raise
        return {}  # of another data module
    return settings


def _find_fault(content: dict[str, Any]) -> str:
    """Say what is wrong with counts or options; "" if nothing."""
    Version(content["pytorch-lightning_version"])
    counts = leaves([content.get(name) for name in ("loops", "epoch", "global_step")])
    if not all(n is None or (isinstance(n, int) and 0 <= n < MOST) for n in counts):
        return "its loops have not counted"
    options = content.get("trainer_options", {})
    if not isinstance(options, dict) or not all(isinstance(x, PLAIN) for x in leaves(options)):
        return "its trainer_options are none"
    return ""


def _find_mismatch(content: dict[str, Any], stored: dict[str, Any]) -> str:
    """Say what is wrong with the settings or weights of MNISTClassifier; "" if nothing."""
    settings = {name: x for name, x in stored.items() if name not in PARTS or x is not None}
    _parse(MNISTClassifier, settings)
    with torch.device("meta"):  # sizes only, however large they claim to be
        expected = MNISTClassifier(**settings).state_dict()
    return find_mismatch(content["state_dict"], expected)


def _parse(kind: type, settings: dict[str, Any]) -> None:
    """Refuse what the command line would not take; no class is looked for."""
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(kind, skip=set(PARTS))
    parser.parse_object(settings)
