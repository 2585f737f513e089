"""A Keras model file, read as data: nothing in it is executed, no link is followed."""

import io
import json
import zipfile
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lightning.models.network import KERNEL_SIZE, POOL_SIZE

Layer = dict[str, Any]  # class_name, and Keras's configuration
Arrays = list[NDArray[np.float32]]

IGNORED = ("InputLayer", "Dropout")  # no part of a network in use
LEGACY = "model_weights"  # group of the weights in an .h5 file


def keras_layers(filters: Sequence[int], units: Sequence[int]) -> list[Layer]:
    """Describe the Keras network with convolutions and Dense layers of these sizes."""
    last = {"data_format": "channels_last"}
    area = {"padding": "valid", **last}
    conv = {"kernel_size": [KERNEL_SIZE] * 2, "strides": [1, 1], "dilation_rate": [1, 1], **area}
    pool = {"pool_size": [POOL_SIZE] * 2, "strides": [POOL_SIZE] * 2, **area}
    relu = {"use_bias": True, "activation": "relu"}
    return [
        *({"class_name": "Conv2D", "filters": n, "groups": 1, **conv, **relu} for n in filters),
        {"class_name": "MaxPooling2D", **pool},
        {"class_name": "Flatten", **last},
        *({"class_name": "Dense", "units": n, **relu} for n in units[:-1]),
        *({"class_name": "Dense", "units": n, **relu, "activation": "softmax"} for n in units[-1:]),
    ]


def read_model(path: Path) -> tuple[list[Layer] | None, Arrays]:
    """Read a .keras, .h5 or .weights.h5 file.

    Returns:
        The layers, None for a file of weights alone, and the weights as Keras's
        ``Model.get_weights`` gives them.

    Raises:
        ValueError: It is missing, damaged, not of Keras, or larger than what is stored.
    """
    if not path.is_file():
        raise ValueError("there is no such file")
    try:
        if path.suffix != ".keras":
            return _read_hdf5(path)
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
                raise ValueError("it is larger than what is stored")
            if archive.testzip():
                raise ValueError("a checksum is wrong")
            _, arrays = _read_hdf5(io.BytesIO(archive.read("model.weights.h5")))
            return _configured(archive.read("config.json")), arrays
    except Exception as error:  # a damaged file fails in any way
        reason = str(error) or type(error).__name__
        raise ValueError(f"damaged or not a Keras model ({reason})") from error


def check_layers(found: Sequence[Layer], expected: Sequence[Layer]) -> None:
    """Compare the layers of a file with those that are expected.

    Raises:
        ValueError: Names the first layer that differs, and in what.
    """
    pairs = zip_longest(expected, found, fillvalue={"class_name": "missing"})
    for number, (wanted, given) in enumerate(pairs, start=1):
        for name, value in wanted.items():
            # as JSON, in which 8 is not 8.0; what is not known is no difference
            if name in given and json.dumps(given[name]) != json.dumps(value):
                what = f", {given['class_name']}: {name}" if name != "class_name" else ""
                raise ValueError(f"layer {number}{what} is {given[name]}, must be {value}")


def _configured(config: str | bytes) -> list[Layer]:
    """The layers in the configuration of a Keras model."""
    layers = [
        {**layer["config"], "class_name": layer["class_name"]}
        for layer in json.loads(config)["config"]["layers"]
        if layer["class_name"] not in IGNORED
    ]
    if layers and layers[-1].get("activation") == "linear":
        layers[-1]["activation"] = "softmax"  # a model that gives logits has the same weights
    return layers


def _read_hdf5(source: Path | io.BytesIO) -> tuple[list[Layer] | None, Arrays]:
    """The layers, if the file has a configuration, and the weights in their order."""
    import h5py

    weights: dict[str, Arrays] = {}  # of each layer that has some, by the name of its group

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            if item.external or item.is_virtual or item.nbytes > item.id.get_storage_size():
                raise ValueError(f"{name} is larger than what is stored")
            if item.dtype.kind == "f":  # others are random states
                weights.setdefault(name.rpartition("/")[0], []).append(item.astype("f4")[()])

    with h5py.File(source) as file:
        file.visititems(keep)
        layers = _configured(file.attrs["model_config"]) if "model_config" in file.attrs else None
    for arrays in weights.values():
        arrays.sort(key=lambda array: -array.ndim)  # the kernel, then the bias
    names = [layer["name"] for layer in layers or ()]

    def place(group: str) -> tuple[Any, ...]:
        if group.startswith(LEGACY):
            return (names.index(group.split("/")[1]),)
        return -weights[group][0].ndim, len(group), group  # convolutions first, as numbered

    return layers, [array for group in sorted(weights, key=place) for array in weights[group]]
