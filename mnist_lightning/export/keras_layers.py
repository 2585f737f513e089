"""The layers of a network in Keras's words, and their weights in its order."""

import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from math import isqrt
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnist_lightning.models.network import ConvNet

Layer = dict[str, Any]  # class_name, and Keras's configuration

AREA = {"padding": "valid", "data_format": "channels_last"}
RELU = {"class_name": "Activation", "activation": "relu"}
UNUSED = ("InputLayer", "Dropout")  # images pass through them as they are, but for training
# Told by the weights, converted with them, used in training alone
NOT_COMPARED = ("use_bias", "epsilon", "momentum")


def describe(net: ConvNet) -> list[Layer]:
    """The layers with the arguments that their constructors in Keras take, softmax last."""
    layers = [layer for module in net.modules() if (layer := _describe(module))]
    return _simplify([*layers, {"class_name": "Activation", "activation": "softmax"}])


def _describe(module: nn.Module) -> Layer | None:
    own = {"use_bias": getattr(module, "bias", None) is not None, "activation": "linear"}
    match module:
        case nn.Conv2d(kernel_size=size, stride=strides, dilation=dilation, groups=groups):
            kernel = {"kernel_size": [*size], "strides": [*strides], "dilation_rate": [*dilation]}
            filters = {"filters": module.out_channels, "groups": groups}
            return {"class_name": "Conv2D", **filters, **kernel, **AREA, **own}
        case nn.BatchNorm2d() | nn.BatchNorm1d():
            momentum = 1 - (module.momentum or 0)  # the share that stays, in Keras
            norm = {"momentum": momentum, "epsilon": module.eps, "center": True, "scale": True}
            return {"class_name": "BatchNormalization", "axis": -1, **norm}
        case nn.MaxPool2d(kernel_size=size, stride=strides):
            sides = {"pool_size": [size] * 2, "strides": [strides] * 2}
            return {"class_name": "MaxPooling2D", **sides, **AREA}
        case nn.Flatten():
            return {"class_name": "Flatten", "data_format": "channels_last"}
        case nn.Linear():
            return {"class_name": "Dense", "units": module.out_features, **own}
        case nn.Dropout():
            return {"class_name": "Dropout", "rate": module.p}
    return RELU if isinstance(module, nn.ReLU) else None


def _simplify(layers: Sequence[Layer]) -> list[Layer]:
    """Give what computes the same the same form: the activation with its layer, then the pool.

    ReLU may come before the pool or after it, since it is monotonic.
    """
    simple: list[Layer] = []
    for given in layers:
        layer = {**given, **(RELU if _is_relu(given) else {})}
        pooled = _is_relu(layer) and simple and simple[-1]["class_name"] == "MaxPooling2D"
        pool = [simple.pop()] if pooled else []
        if layer["class_name"] == "Activation" and simple and _is_linear(simple[-1]):
            simple[-1]["activation"] = layer.get("activation")
        else:
            simple.append(layer)
        simple += pool
    return simple


def _is_relu(layer: Layer) -> bool:
    if layer["class_name"] == "ReLU":
        return not any(layer.get(name) for name in ("max_value", "negative_slope", "threshold"))
    return layer["class_name"] == "Activation" and layer.get("activation") == "relu"


def _is_linear(layer: Layer) -> bool:
    return layer.get("activation") == "linear"


def check_layers(found: Sequence[Layer], net: ConvNet) -> None:
    """Raise a ValueError that names the first layer that predicts otherwise, and in what."""
    given, expected = (
        _simplify([layer for layer in layers if layer["class_name"] not in UNUSED])
        for layers in (found, describe(net))
    )
    if given and _is_linear(given[-1]):
        given[-1]["activation"] = "softmax"  # a model that gives logits has the same weights
    pairs = zip_longest(expected, given, fillvalue={"class_name": "missing"})
    for number, (wanted, layer) in enumerate(pairs, start=1):
        for name, value in wanted.items():
            # as JSON, in which 8 is not 8.0; what is not known is no difference
            known = name in layer and name not in NOT_COMPARED
            if known and json.dumps(layer[name]) != json.dumps(value):
                what = f", {layer['class_name']}: {name}" if name != "class_name" else ""
                raise ValueError(f"layer {number}{what} is {layer[name]}, must be {value}")


def to_arrays(net: ConvNet) -> list[NDArray[Any]]:
    """Give the weights as Keras's ``Model.get_weights`` does."""
    return [view.reshape(shape).cpu().contiguous().numpy() for view, shape in keras_views(net)]


def load_arrays(net: ConvNet, arrays: Sequence[NDArray[Any]]) -> None:
    """Copy the weights of Keras's ``Model.get_weights`` into the network."""
    for (view, _), array in zip(keras_views(net), arrays, strict=True):
        view.copy_(torch.tensor(array).reshape(view.shape))


def keras_views(net: ConvNet) -> Iterator[tuple[Tensor, tuple[int, ...]]]:
    """View each weight with Keras's axes, and give its shape in Keras."""
    channels = 0  # of the layer before
    for name, weight in net.state_dict().items():
        if not weight.ndim:
            continue  # how many batches were normalised, which Keras does not count
        view = weight.permute(2, 3, 1, 0) if weight.ndim == 4 else weight.t()
        shape = tuple(view.shape)
        if name == "features.dense1.weight":  # a kernel over the image: height, width, in, out
            side = isqrt(shape[0] // channels)
            view = weight.view(-1, channels, side, side).permute(2, 3, 1, 0)
        channels = len(weight)
        yield view, shape
