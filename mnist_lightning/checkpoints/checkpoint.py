"""A checkpoint of a classifier: read and verified once, then handed on as an object."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentParser
from packaging.version import Version
from torch import Tensor

from mnist_lightning.checkpoints.archive import leaves, read_archive
from mnist_lightning.data.datamodule import LOCAL, MNISTDataModule
from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.datasets import find_source, stored_name, synthetic_digits
from mnist_lightning.data.source import Source, class_names
from mnist_lightning.errors import CheckpointError
from mnist_lightning.models.classifier import MNISTClassifier

MOST = 2**48  # batches, steps and epochs that can be counted
PLAIN = (str, int, float, type(None))


@dataclass(frozen=True)
class Checkpoint:
    """A sound checkpoint of MNISTClassifier."""

    path: Path
    content: dict[str, Any]  # all that the file holds
    model: dict[str, Any]  # hyperparameters of the classifier
    data: dict[str, Any]  # and of the data module, if there was one, without places of a machine

    def classifier(self) -> MNISTClassifier:
        """Build the trained classifier, on the CPU and set to evaluation."""
        classifier = MNISTClassifier(**self.model)
        classifier.load_state_dict(self.content["state_dict"])
        return classifier.eval()

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
        return replace(source, classes=class_names(source.classes, self.model["num_classes"]))

    def scaling(self) -> Scaling:
        """Scaling of the images that it was trained on."""
        return self.source().scaling(self.data.get("normalize", "unit")) or Scaling()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; a CheckpointError if it is missing, damaged, or of another network.

    Its settings and weights are checked; the rest is left to who resumes.
    """
    content = read_archive(path)
    model, data = content.get("hyper_parameters"), content.get("datamodule_hyper_parameters", {})
    if not isinstance(model, dict) or "conv_channels" not in model:
        raise CheckpointError(f"ckpt_path is {path}: not a checkpoint of MNISTClassifier")
    try:  # no place on disk or in the network is taken from a checkpoint
        data = {name: value for name, value in data.items() if name not in LOCAL}
        wrong = _find_fault(content, model, data)
    except Exception as error:  # hostile content fails in any way
        raise CheckpointError(f"ckpt_path is {path}: {type(error).__name__}: {error}") from error
    if wrong:
        raise CheckpointError(f"ckpt_path is {path}: {wrong}")
    return Checkpoint(path, content, dict(model), data)


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


def _find_fault(content: dict[str, Any], model: dict[str, Any], data: dict[str, Any]) -> str:
    """Say what is wrong with settings, weights or counts; "" if nothing."""
    for kind, settings in ((MNISTDataModule, data), (MNISTClassifier, model)):
        parser = ArgumentParser(exit_on_error=False)
        parser.add_class_arguments(kind)
        parser.parse_object(settings)  # refuses what the command line would not take
    if (dataset := data.get("dataset", "mnist")) != stored_name(dataset):
        return "its dataset is a path"
    MNISTDataModule(**data, predict_path=".")  # a folder of images need not be here
    Version(content["pytorch-lightning_version"])
    with torch.device("meta"):  # sizes only, however large they claim to be
        expected = MNISTClassifier(**model).state_dict()
    counts = leaves([content.get(name) for name in ("loops", "epoch", "global_step")])
    if not all(n is None or (isinstance(n, int) and 0 <= n < MOST) for n in counts):
        return "its loops have not counted"
    options = content.get("trainer_options", {})
    if not isinstance(options, dict) or not all(isinstance(x, PLAIN) for x in leaves(options)):
        return "its trainer_options are none"
    return find_mismatch(content["state_dict"], expected)
