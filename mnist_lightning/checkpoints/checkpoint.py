"""A checkpoint of a network: read and verified once, then handed on as an object."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jsonargparse import ArgumentParser
from packaging.version import Version
from torch import Tensor

from mnist_lightning.checkpoints.archive import leaves, read_archive
from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.datasets import find_source, stored_name, synthetic_digits
from mnist_lightning.data.source import Source, class_names
from mnist_lightning.errors import CheckpointError, UnknownClassError, printable
from mnist_lightning.models.network import ConvNet

if TYPE_CHECKING:  # it takes seconds to load, and is left to who needs more than the network
    from lightning import LightningModule

    # Which class a checkpoint is opened with, or the module itself that its weights are loaded into
    Kind = type[LightningModule] | LightningModule

MOST = 2**48  # batches, steps and epochs that can be counted
PLAIN = (str, int, float, type(None))
IMAGES = {"dataset": "mnist", "split": "balanced", "source": "", "normalize": "unit"}
WEIGHTS = "net."  # what the names of the network's weights begin with in MNISTClassifier


@dataclass(frozen=True)
class Checkpoint:
    """A sound checkpoint, by default of MNISTClassifier."""

    path: Path
    content: dict[str, Any]  # all that the file holds
    model: dict[str, Any]  # hyperparameters of the network, or of a class that was given
    data: dict[str, Any]  # and those that say what images it was trained on
    kind: "Kind | None" = None  # None: MNISTClassifier
    note: str = ""  # what it is, in place of its path
    results: Path | None = None  # where what is made with it goes; None: its run's or own folder

    def __str__(self) -> str:
        """What it is called in the terminal and on pages."""
        return printable(self.note or f"Checkpoint: {self.path}")

    @property
    def folder(self) -> Path:
        """Where what is made with it goes: its run's folder, or its own."""
        if self.results:
            return self.results
        parent = self.path.parent
        return parent.parent if parent.name == "checkpoints" else parent

    def network(self) -> ConvNet:
        """Build the trained network of an MNISTClassifier, on the CPU and set to evaluation."""
        net = ConvNet(**_arguments(self.model))
        net.load_state_dict(_network_weights(self.content["state_dict"]))
        return net.eval()

    def module(self) -> "LightningModule":
        """Build the trained module, on the CPU and set to evaluation; else a CheckpointError."""
        from mnist_lightning.models.classifier import MNISTClassifier

        kind = self.kind or MNISTClassifier
        try:
            # the user's own object stays as it is
            module = kind(**self.model) if isinstance(kind, type) else deepcopy(kind)
            module.load_state_dict(self.content["state_dict"])
        except Exception as error:  # another's class fails in any way
            raise CheckpointError(f"ckpt_path is {self.path}: {error}") from error
        return module.eval()

    def source(self, data_dir: str = "data") -> Source:
        """The data set that it was trained on, with the network's classes.

        Of a folder that is not there, and of somebody else's data, no more is known than that.
        """
        stored = {**IMAGES, **self.data}
        source = find_source(stored["dataset"], stored["split"], Path(data_dir), required=False)
        if not stored["source"]:
            source = replace(source, name="unknown", title="unknown data")
        elif stored["source"] == "synthetic":
            source = synthetic_digits()
        count = self.model.get("num_classes", len(source.classes))
        return replace(source, classes=class_names(source.classes, count))

    def scaling(self) -> Scaling:
        """Scaling of the images that it was trained on."""
        return self.source().scaling(self.data.get("normalize", "unit")) or Scaling()


def read_checkpoint(path: Path, kind: "Kind | None" = None) -> Checkpoint:
    """Read a checkpoint; a CheckpointError if it is missing, damaged, or of another network.

    The network's settings and weights are checked, and what is known of its images; what a Trainer
    takes beside them is checked by ``check_hyperparameters``, the rest by who resumes. A checkpoint
    tells the name of its class, but only a class that is given is used: its settings and weights
    are checked when it is built.
    """
    content = read_archive(path)
    try:
        stored = content.get("hyper_parameters", {})
        if not kind:
            _check_class(content, stored)
        data = _image_settings(content)
        wrong = _find_fault(content) or ("" if kind else _find_mismatch(content, stored))
        model = _settings_of(kind, stored) if kind else _arguments(stored)
    except CheckpointError as error:
        raise type(error)(f"ckpt_path is {path}: {error}") from error
    except Exception as error:  # hostile content fails in any way
        raise CheckpointError(f"ckpt_path is {path}: {type(error).__name__}: {error}") from error
    if wrong:
        raise CheckpointError(f"ckpt_path is {path}: {wrong}")
    return Checkpoint(path, content, model, data, kind)


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


def _arguments(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the stored settings that ConvNet takes."""
    return {name: stored[name] for name in signature(ConvNet).parameters if name in stored}


def _settings_of(kind: Any, stored: dict[str, Any]) -> dict[str, Any]:
    from mnist_lightning.checkpoints.hyperparameters import settings_of

    return settings_of(kind, stored)


def _image_settings(content: dict[str, Any]) -> dict[str, Any]:
    """What MNISTDataModule stored of its images; no place on disk or in the network is taken."""
    stored = content.get("datamodule_hyper_parameters", {})
    try:
        settings = {**IMAGES, **{name: stored[name] for name in IMAGES if name in stored}}
        if settings["dataset"] != stored_name(settings["dataset"]):
            raise ValueError("its dataset is a path")
        if settings["source"] not in ("", "mnist", "synthetic", "auto"):
            raise ValueError(f"its source is {settings['source']}")
        source = find_source(settings["dataset"], settings["split"], required=False)
        source.scaling(settings["normalize"])
    except Exception:
        if "MNISTDataModule" in content:  # its state
            raise
        return {}  # of another data module
    return {name: value for name, value in settings.items() if name in stored}


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
    """Say what is wrong with the settings or weights of the network; "" if nothing."""
    weights, arguments = content["state_dict"], _arguments(stored)
    sizes = [value for value in arguments.values() if isinstance(value, list | tuple)]
    if sum(map(len, sizes)) > len(weights):  # before each of them is looked at
        return "its settings name more layers than it has weights"
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(ConvNet)
    parser.parse_object(arguments)
    with torch.device("meta"):  # sizes only, however large they claim to be
        expected = ConvNet(**arguments).state_dict()
    return find_mismatch(weights, {WEIGHTS + name: each for name, each in expected.items()})


def _network_weights(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(WEIGHTS): weight for name, weight in weights.items()}
