"""A Keras model file, read as data: nothing in it is executed, no link is followed."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Layer = dict[str, Any]  # class_name, and Keras's configuration
Arrays = list[NDArray[np.float32]]


def read_model(path: Path) -> tuple[list[Layer] | None, Arrays]:
    """Read the layers, None in a .weights.h5 file, and the weights as ``Model.get_weights`` does.

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


def _configured(config: str | bytes) -> list[Layer]:
    found = json.loads(config)["config"]["layers"]
    layers = [{**layer["config"], "class_name": layer["class_name"]} for layer in found]
    layers = [layer for layer in layers if layer["class_name"] not in ("InputLayer", "Dropout")]
    if layers and layers[-1].get("activation") == "linear":
        layers[-1]["activation"] = "softmax"  # a model that gives logits has the same weights
    return layers


def _read_hdf5(source: Path | io.BytesIO) -> tuple[list[Layer] | None, Arrays]:
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
        if group.startswith("model_weights"):  # of an .h5 file
            return (names.index(group.split("/")[1]),)
        return -weights[group][0].ndim, len(group), group  # convolutions first, as numbered

    return layers, [array for group in sorted(weights, key=place) for array in weights[group]]
