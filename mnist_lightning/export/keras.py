"""Conversion of weights from Keras, and to it."""

import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import zip_longest
from math import isqrt
from pathlib import Path
from typing import Any

import lightning
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnist_lightning.checkpoints.checkpoint import read_checkpoint
from mnist_lightning.errors import KerasError, printable
from mnist_lightning.export.keras_file import check_layers, keras_layers, read_model
from mnist_lightning.files import atomic_write, check_output
from mnist_lightning.models.classifier import MNISTClassifier
from mnist_lightning.models.network import IMAGE_SIZE, ConvNet

EXTRA = 'pip install "mnist-lightning[keras]"'


def import_keras(model: str, checkpoint: str) -> None:
    """Convert a Keras model to a checkpoint that test and predict take.

    Args:
        model: Keras's file: .keras, .h5 or .weights.h5; read as data, nothing in it is executed.
        checkpoint: File to write.

    Raises:
        KerasError: h5py is not installed, or the model is of another network or damaged.
        OutputError: The checkpoint is there already or cannot be written.
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
        checkpoint: File of fit or import-keras.
        model: File to write: .keras

    Raises:
        CheckpointError: The checkpoint is missing, damaged or of another network.
        KerasError: Keras is not installed, or the network has batch normalisation.
        OutputError: The model is there already or cannot be written.
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")  # unless its user has chosen another
    keras = _import("keras")
    check_output("model", model, ".keras")
    read = read_checkpoint(Path(checkpoint))
    if read.model.get("batch_norm"):
        raise KerasError(f"{checkpoint}: a network with batch_norm cannot be brought to Keras")
    net, scaling = read.classifier().net, read.data_module().scaling
    network = build(keras, net)
    network.set_weights(to_arrays(net))
    with atomic_write(model) as draft:
        network.save(draft)
    scaled = f", minus {scaling.mean}, divided by {scaling.std}" if scaling.std != 1 else ""
    print(f"Keras model: {printable(model)}; takes images (B, 28, 28, 1) in [0, 1]{scaled}")


def build(keras: Any, net: ConvNet) -> Any:
    """Build the same network in Keras, as a Sequential model; its weights are Keras's own."""
    filters = [module.out_channels for module in net.modules() if isinstance(module, nn.Conv2d)]
    units = [module.out_features for module in net.modules() if isinstance(module, nn.Linear)]
    described = keras_layers(filters, units)
    layers = [getattr(keras.layers, layer.pop("class_name"))(**layer) for layer in described]
    return keras.Sequential([keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1)), *layers])


def to_arrays(net: ConvNet) -> list[NDArray[Any]]:
    """Give the weights as Keras's ``Model.get_weights`` does.

    Kernels of convolutions are (height, width, in, out); of Dense layers (in, out), the first with
    its inputs in the order height, width, channel.
    """
    return [view.reshape(shape).cpu().contiguous().numpy() for view, shape in _keras_views(net)]


def load_arrays(net: ConvNet, arrays: Sequence[NDArray[Any]]) -> None:
    """Copy the weights of Keras's ``Model.get_weights`` into the network."""
    for (view, _), array in zip(_keras_views(net), arrays, strict=True):
        view.copy_(torch.tensor(array).reshape(view.shape))


def _keras_views(net: ConvNet) -> Iterator[tuple[Tensor, tuple[int, ...]]]:
    """View each weight with Keras's axes, and give its shape in Keras.

    The first Dense layer is viewed as a kernel over the whole image, (height, width, in, out).
    """
    channels = [len(weight) for weight in net.parameters() if weight.ndim == 4][-1]
    first = net.get_parameter("features.dense1.weight")
    side = isqrt(first.shape[1] // channels)
    for parameter in net.parameters():
        weight = parameter.detach()
        view = weight.permute(2, 3, 1, 0) if weight.ndim == 4 else weight.t()
        shape = tuple(view.shape)
        if parameter is first:
            view = weight.view(-1, channels, side, side).permute(2, 3, 1, 0)
        yield view, shape


def _read_classifier(path: Path) -> MNISTClassifier:
    """Read a Keras model; nothing is allocated before its sizes are known to be stored.

    Raises:
        ValueError: It is damaged, or of another network.
    """
    layers, arrays = read_model(path)
    filters = [array.shape[-1] for array in arrays if array.ndim == 4]
    units = [array.shape[-1] for array in arrays if array.ndim == 2]
    if layers is not None:
        check_layers(layers, keras_layers(filters, units))
    sizes = (filters, units[:-1], *units[-1:])
    with torch.device("meta"):
        expected = [shape for _, shape in _keras_views(MNISTClassifier(*sizes).net)]
    for array, shape in zip_longest(arrays, expected):
        if (found := getattr(array, "shape", "missing")) != shape:
            raise ValueError(f"the shape of a weight is {found}, must be {shape}")
    classifier = MNISTClassifier(*sizes)
    load_arrays(classifier.net, arrays)
    if not all(weight.isfinite().all() for weight in classifier.parameters()):
        raise ValueError("its weights hold numbers that are not finite")
    return classifier


def _import(package: str) -> Any:
    """Import a package of the extra that Keras is in."""
    try:
        return import_module(package)
    except ImportError as error:
        raise KerasError(f"{package} cannot be imported ({error}): {EXTRA}") from error
