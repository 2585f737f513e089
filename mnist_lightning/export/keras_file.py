"""A Keras model file, read as data: nothing in it is executed, no link is followed."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lightning.export.keras_layers import Layer

Arrays = list[NDArray[np.float32]]


def read_model(path: Path) -> tuple[list[Layer] | None, list[Arrays]]:
    """Read the layers, None in a .weights.h5 file, and the weights of each that has some.

    Those of a layer are in the order of ``get_weights``; layers of a kind are in the model's order.

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
            _, weights = _read_hdf5(io.BytesIO(archive.read("model.weights.h5")))
            return _configured(archive.read("config.json")), weights
    except Exception as error:  # a damaged file fails in any way
        reason = str(error) or type(error).__name__
        raise ValueError(f"damaged or not a Keras model ({reason})") from error


def _configured(config: str | bytes) -> list[Layer]:
    found = json.loads(config)["config"]["layers"]
    return [{**layer["config"], "class_name": layer["class_name"]} for layer in found]


def _read_hdf5(source: Path | io.BytesIO) -> tuple[list[Layer] | None, list[Arrays]]:
    import h5py

    # of each layer that has some, by the names of its group and of the weight
    weights: dict[str, dict[str, NDArray[np.float32]]] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            if item.external or item.is_virtual or item.nbytes > item.id.get_storage_size():
                raise ValueError(f"{name} is larger than what is stored")
            if item.dtype.kind == "f":  # others are random states
                group, _, last = name.rpartition("/")
                weights.setdefault(group, {})[last] = item.astype("f4")[()]

    with h5py.File(source) as file:
        file.visititems(keep)
        layers = _configured(file.attrs["model_config"]) if "model_config" in file.attrs else None
    names = [layer["name"] for layer in layers or ()]
    arrays = {group: _ordered(found) for group, found in weights.items()}

    def place(group: str) -> tuple[Any, ...]:
        if group.startswith("model_weights"):  # of an .h5 file
            return (names.index(group.split("/")[1]),)
        return -arrays[group][0].ndim, len(group), group  # convolutions first, as numbered

    return layers, [arrays[group] for group in sorted(arrays, key=place)]


def _ordered(weights: dict[str, NDArray[np.float32]]) -> Arrays:
    """Kernel and bias, or gamma, beta, mean and variance; a .keras file numbers them so."""
    order = sorted(weights, key=lambda name: (-weights[name].ndim, name != "gamma", name))
    return [weights[name] for name in order]
