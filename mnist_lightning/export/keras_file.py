"""A model file of Keras, read as data: nothing in it is executed."""

import json
import re
import zipfile
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import h5py

# What must agree in a layer; names, initialisers and the like may differ.
COMPARED = (
    "filters",
    "kernel_size",
    "strides",
    "padding",
    "dilation_rate",
    "groups",
    "pool_size",
    "units",
    "use_bias",
    "activation",
    "data_format",
)
# Layers that change nothing when a network is used.
SILENT = ("InputLayer", "Dropout")

Layer = dict[str, Any]


class KerasFileError(Exception):
    """A file is not a model of Keras, or of another network."""


def read_layers(path: Path) -> list[Layer]:
    """Read the layers of a ``.keras``, ``.h5`` or ``.weights.h5`` file.

    Returns:
        ``class_name`` and what of ``COMPARED`` is known, for each layer. A file of weights alone
        gives only the layers that have some.

    Raises:
        KerasFileError: The file is damaged, or not of Keras.
    """
    if not path.is_file():
        raise KerasFileError(f"{path}: there is no such file")
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                if archive.testzip():
                    raise ValueError("a checksum is wrong")
                return described(json.loads(archive.read("config.json"))["config"])
        with h5py.File(path) as file:
            if "model_config" in file.attrs:
                return described(json.loads(file.attrs["model_config"])["config"])
            return _layers_of_weights(file)
    except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error) or type(error).__name__
        raise KerasFileError(f"{path}: damaged or not a Keras model ({reason})") from error


def described(config: dict[str, Any]) -> list[Layer]:
    """Take what matters out of the configuration of a Keras model."""
    layers = [
        {
            "class_name": layer["class_name"],
            **{name: _plain(layer["config"][name]) for name in COMPARED if name in layer["config"]},
        }
        for layer in config["layers"]
        if layer["class_name"] not in SILENT
    ]
    if layers and layers[-1].get("activation") == "linear":
        layers[-1]["activation"] = (
            "softmax"  # a model that ends with the logits has the same weights
        )
    return layers


def check_layers(path: Path, found: Sequence[Layer], expected: Sequence[Layer]) -> None:
    """Compare layer by layer.

    Raises:
        KerasFileError: Names the first layer that differs, and in what.
    """
    if not any("activation" in layer for layer in found):  # weights alone
        expected = [layer for layer in expected if "activation" in layer]
    none: Layer = {"class_name": "missing"}
    pairs = zip_longest(expected, found, fillvalue=none)
    for number, (wanted, given) in enumerate(pairs, start=1):
        for name in wanted:
            # a file of weights alone leaves most of a layer unsaid
            if given.get(name, wanted[name]) != wanted[name]:
                what = f", {given['class_name']}: {name}" if name != "class_name" else ""
                raise KerasFileError(
                    f"{path}: layer {number}{what} is {given[name]}, must be {wanted[name]}"
                )


def _plain(value: Any) -> Any:
    """A tuple and a list of the same sizes are the same."""
    return list(value) if isinstance(value, tuple) else value


def _layers_of_weights(file: Any) -> list[Layer]:
    """Tell the layers by the shapes of their kernels, in the order that Keras's names count."""
    shapes: dict[str, tuple[int, ...]] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim > 1 and not name.startswith("optimizer"):
            shapes[name] = item.shape

    file.visititems(keep)
    names = sorted(shapes, key=lambda name: [int(n) for n in re.findall(r"_(\d+)/", name)] or [0])
    names.sort(key=lambda name: -len(shapes[name]))  # stable: convolutions first
    if not names:
        raise ValueError("no weights")
    return [
        {"class_name": "Conv2D", "filters": shape[-1], "kernel_size": list(shape[:2])}
        if len(shape) == 4
        else {"class_name": "Dense", "units": shape[-1]}
        for shape in (shapes[name] for name in names)
    ]
