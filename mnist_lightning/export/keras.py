"""Conversion of weights from Keras, and to it; what cannot be done is an Error, which says why."""

import os
from importlib import import_module
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import lightning
import torch

from mnist_lightning.checkpoints.runs import open_checkpoint
from mnist_lightning.errors import KerasError, printable
from mnist_lightning.export.keras_file import Arrays, read_model
from mnist_lightning.export.keras_layers import (
    Layer,
    check_layers,
    describe,
    keras_views,
    load_arrays,
    to_arrays,
)
from mnist_lightning.files import atomic_write, check_output
from mnist_lightning.models.batch import IMAGE_SIZE
from mnist_lightning.models.classifier import MNISTClassifier

EPSILON = 1e-5  # torch's, of batch normalisation


def import_keras(model: str, checkpoint: str) -> None:
    """Convert a Keras model to a checkpoint that test and predict take.

    Of batch normalisation it is the predictions that are kept, whatever its epsilon; dropout, which
    only training uses, is left out.

    Args:
        model: Keras's file: .keras, .h5 or, without batch normalisation, .weights.h5; read as data,
            nothing in it is executed.
        checkpoint: File to write.
    """
    _import("h5py")
    check_output("checkpoint", checkpoint, ".ckpt")
    try:
        classifier = _read_classifier(Path(model))
    except ValueError as error:
        raise KerasError(f"{model}: {error}") from error
    content = {
        "state_dict": classifier.state_dict(),
        "hyper_parameters": dict(classifier.hparams),
        "pytorch-lightning_version": lightning.__version__,
    }
    with atomic_write(checkpoint) as draft, draft.open("wb") as file:
        torch.save(content, file)
    print(f"Checkpoint: {printable(checkpoint)}")


def export_keras(checkpoint: str, model: str) -> None:
    """Convert a checkpoint to a Keras model.

    Args:
        checkpoint: File of fit or import-keras; last or best of the newest run; or pretrained, the
            network that comes with the package.
        model: File to write: .keras
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")  # unless its user has chosen another
    keras = _import("keras")
    check_output("model", model, ".keras")
    print(read := open_checkpoint(checkpoint), flush=True)
    net, scaling = read.network(), read.scaling()
    network = keras.Sequential([keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1))])
    for layer in describe(net):
        network.add(getattr(keras.layers, layer.pop("class_name"))(**layer))
    network.set_weights(to_arrays(net))
    with atomic_write(model) as draft:
        network.save(draft)
    scaled = f", minus {scaling.mean}, divided by {scaling.std}" if scaling.std != 1 else ""
    print(f"Keras model: {printable(model)}; takes images (B, 28, 28, 1) in [0, 1]{scaled}")


def _read_classifier(path: Path) -> MNISTClassifier:
    """Read a Keras model; nothing is allocated before its sizes are known to be stored."""
    layers, groups = read_model(path)
    norms = [group for group in groups if group[0].ndim == 1]
    kernels = [group for group in groups if group[0].ndim != 1]
    filters, units = ([w.shape[-1] for w, *_ in kernels if w.ndim == n] for n in (4, 2))
    settings: dict[str, Any] = {"num_classes": units.pop()} if units else {}
    settings |= {"conv_channels": filters, "hidden_dims": units, "batch_norm": bool(norms)}
    with torch.device("meta"):
        expected = MNISTClassifier(**settings).net
    if layers is not None:
        check_layers(layers, expected)
    arrays = _normalised(kernels, norms, layers) if norms else [*chain(*kernels)]
    for array, (_, shape) in zip_longest(arrays, keras_views(expected), fillvalue=(None, None)):
        if (found := getattr(array, "shape", "missing")) != shape:
            raise ValueError(f"the shape of a weight is {found}, must be {shape}")
    classifier = MNISTClassifier(**settings)
    load_arrays(classifier.net, arrays)
    if not all(weight.isfinite().all() for weight in classifier.state_dict().values()):
        raise ValueError("its weights hold numbers that are not finite")
    return classifier


def _normalised(kernels: list[Arrays], norms: list[Arrays], layers: list[Layer] | None) -> Arrays:
    """Join each kernel with its batch normalisation, which takes in its bias and Keras's epsilon.

    ``ConvNet`` has no such bias, and torch's epsilon: the mean and the variance make up for both.
    """
    if layers is None:
        raise ValueError("batch normalisation has an epsilon, which a .keras file alone tells")
    found = [x.get("epsilon") for x in layers if x["class_name"] == "BatchNormalization"]
    arrays: Arrays = []
    pairs = zip(kernels, norms, found, strict=False)  # whose shapes are not checked yet
    for (kernel, *bias), (*scale, mean, variance), epsilon in pairs:
        if not (isinstance(epsilon, float) and 0 < epsilon < 1 and (variance >= 0).all()):
            raise ValueError(f"BatchNormalization: epsilon is {epsilon}, or a variance below 0")
        arrays += [kernel, *scale, mean - sum(bias), variance + (epsilon - EPSILON)]
    return [*arrays, *kernels[-1]]


def _import(package: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        extra = 'pip install "mnist-lightning[keras]"'
        raise KerasError(f"{package} cannot be imported ({error}): {extra}") from error
