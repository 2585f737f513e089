"""Conversion of weights from Keras, and to it; what cannot be done is an Error, which says why."""

import json
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
from mnist_lightning.export.keras_file import Layer, read_model
from mnist_lightning.files import atomic_write, check_output
from mnist_lightning.models.batch import IMAGE_SIZE
from mnist_lightning.models.classifier import MNISTClassifier
from mnist_lightning.models.network import KERNEL_SIZE, POOL_SIZE, ConvNet


def import_keras(model: str, checkpoint: str) -> None:
    """Convert a Keras model to a checkpoint that test and predict take.

    Args:
        model: Keras's file: .keras, .h5 or .weights.h5; read as data, nothing in it is executed.
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
        checkpoint: File of fit or import-keras.
        model: File to write: .keras
    """
    os.environ.setdefault("KERAS_BACKEND", "torch")  # unless its user has chosen another
    keras = _import("keras")
    check_output("model", model, ".keras")
    read = read_checkpoint(Path(checkpoint))
    if read.model.get("batch_norm"):
        raise KerasError(f"{checkpoint}: a network with batch_norm cannot be brought to Keras")
    net, scaling = read.classifier().net, read.scaling()
    filters = [module.out_channels for module in net.modules() if isinstance(module, nn.Conv2d)]
    units = [module.out_features for module in net.modules() if isinstance(module, nn.Linear)]
    network = keras.Sequential([keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1))])
    for layer in _layers(filters, units):
        network.add(getattr(keras.layers, layer.pop("class_name"))(**layer))
    network.set_weights(to_arrays(net))
    with atomic_write(model) as draft:
        network.save(draft)
    scaled = f", minus {scaling.mean}, divided by {scaling.std}" if scaling.std != 1 else ""
    print(f"Keras model: {printable(model)}; takes images (B, 28, 28, 1) in [0, 1]{scaled}")


def _layers(filters: Sequence[int], units: Sequence[int]) -> list[Layer]:
    """The layers of these sizes, in Keras's words."""
    area = {"padding": "valid", "data_format": "channels_last"}
    conv = {"kernel_size": [KERNEL_SIZE] * 2, "strides": [1, 1], "dilation_rate": [1, 1], **area}
    pool = {"pool_size": [POOL_SIZE] * 2, "strides": [POOL_SIZE] * 2, **area}
    relu = {"use_bias": True, "activation": "relu"}
    return [
        *({"class_name": "Conv2D", "filters": n, "groups": 1, **conv, **relu} for n in filters),
        {"class_name": "MaxPooling2D", **pool},
        {"class_name": "Flatten", "data_format": "channels_last"},
        *({"class_name": "Dense", "units": n, **relu} for n in units[:-1]),
        *({"class_name": "Dense", "units": n, **relu, "activation": "softmax"} for n in units[-1:]),
    ]


def _check(found: Sequence[Layer], expected: Sequence[Layer]) -> None:
    """Raise a ValueError that names the first layer that differs, and in what."""
    pairs = zip_longest(expected, found, fillvalue={"class_name": "missing"})
    for number, (wanted, given) in enumerate(pairs, start=1):
        for name, value in wanted.items():
            # as JSON, in which 8 is not 8.0; what is not known is no difference
            if name in given and json.dumps(given[name]) != json.dumps(value):
                what = f", {given['class_name']}: {name}" if name != "class_name" else ""
                raise ValueError(f"layer {number}{what} is {given[name]}, must be {value}")


def to_arrays(net: ConvNet) -> list[NDArray[Any]]:
    """Give the weights as Keras's ``Model.get_weights`` does."""
    return [view.reshape(shape).cpu().contiguous().numpy() for view, shape in _keras_views(net)]


def load_arrays(net: ConvNet, arrays: Sequence[NDArray[Any]]) -> None:
    """Copy the weights of Keras's ``Model.get_weights`` into the network."""
    for (view, _), array in zip(_keras_views(net), arrays, strict=True):
        view.copy_(torch.tensor(array).reshape(view.shape))


def _keras_views(net: ConvNet) -> Iterator[tuple[Tensor, tuple[int, ...]]]:
    """View each weight with Keras's axes, and give its shape in Keras."""
    channels = 0  # of the layer before
    for name, weight in net.state_dict().items():
        view = weight.permute(2, 3, 1, 0) if weight.ndim == 4 else weight.t()
        shape = tuple(view.shape)
        if name == "features.dense1.weight":  # a kernel over the image: height, width, in, out
            side = isqrt(shape[0] // channels)
            view = weight.view(-1, channels, side, side).permute(2, 3, 1, 0)
        channels = len(weight)
        yield view, shape


def _read_classifier(path: Path) -> MNISTClassifier:
    """Read a Keras model; nothing is allocated before its sizes are known to be stored."""
    layers, arrays = read_model(path)
    filters = [array.shape[-1] for array in arrays if array.ndim == 4]
    units = [array.shape[-1] for array in arrays if array.ndim == 2]
    if layers is not None:
        _check(layers, _layers(filters, units))
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
    try:
        return import_module(package)
    except ImportError as error:
        extra = 'pip install "mnist-lightning[keras]"'
        raise KerasError(f"{package} cannot be imported ({error}): {extra}") from error
