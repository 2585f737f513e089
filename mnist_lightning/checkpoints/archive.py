"""A checkpoint file: whole, plain and finite, or refused."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mnist_lightning.errors import CheckpointError

ZIP = b"PK\x03\x04"  # torch.load takes a file with another beginning for its old format
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
DTYPES = (*FLOATS, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
PARTS = {"state_dict": dict, "callbacks": dict, "loops": dict, "optimizer_states": list}


def read_archive(path: Path) -> dict[str, Any]:
    """Read a checkpoint on the CPU.

    Raises:
        CheckpointError: It is damaged, holds more than tensors and plain values, or is not finite.
    """
    try:
        _check_archive(path)
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        tensors = [leaf for leaf in leaves(content) if isinstance(leaf, Tensor)]
        whole = _are_whole(tensors, path.stat().st_size)
    except Exception as error:  # a damaged stream fails in any way
        reason = f"damaged or not a checkpoint ({type(error).__name__})"
        raise CheckpointError(f"ckpt_path is {path}: {reason}") from error
    given = isinstance(content, dict) and "state_dict" in content
    if not given or any(not isinstance(content.get(x, kind()), kind) for x, kind in PARTS.items()):
        raise CheckpointError(f"ckpt_path is {path}: not a checkpoint")
    if not whole:
        raise CheckpointError(f"ckpt_path is {path}: a tensor in it is larger than what is stored")
    if not all(isinstance(weight, Tensor) for weight in content["state_dict"].values()):
        raise CheckpointError(f"ckpt_path is {path}: its weights are no tensors")
    if name := nonfinite(content):
        raise CheckpointError(f"ckpt_path is {path}: {name} holds numbers that are not finite")
    return dict(content)


def previous(path: Path) -> Path:
    """Where the checkpoint that was replaced last is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def nonfinite(content: dict[str, Any]) -> str:
    """Name the weight, or the other state of a checkpoint, that is not finite; else empty."""
    others = ("optimizer_states", "averaging_state", "current_model_state")
    for name, part in {**content["state_dict"], **{x: content.get(x) for x in others}}.items():
        if not all(leaf.isfinite().all() for leaf in leaves(part) if isinstance(leaf, Tensor)):
            return str(name)
    return ""


def _check_archive(path: Path) -> None:
    """Refuse what ``torch.load`` does not look at: wrong checksums, and entries that expand."""
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > path.stat().st_size:
            raise zipfile.BadZipFile
        file.seek(0)
        if file.read(len(ZIP)) != ZIP or archive.testzip():
            raise zipfile.BadZipFile


def leaves(content: Any) -> Iterator[Any]:
    """What a nest of dicts and sequences holds, however deep, and even where it holds itself."""
    nests, seen = [content], set()
    while nests:
        value = nests.pop()
        if not isinstance(value, dict | list | tuple | set):
            yield value
        elif id(value) not in seen:
            seen.add(id(value))
            nests.extend(value.values() if isinstance(value, dict) else value)


def _are_whole(tensors: list[Tensor], size: int) -> bool:
    """Whether plain tensors have, within a size, an element of their own for each they claim."""
    stored = {}  # bytes by address, as tensors may share them
    for tensor in tensors:
        if tensor.layout != torch.strided or not tensor.is_cpu or tensor.dtype not in DTYPES:
            return False
        dense = tensor.is_contiguous() or tensor.is_contiguous(memory_format=torch.channels_last)
        end = (tensor.storage_offset() + tensor.numel()) * tensor.element_size()
        storage = tensor.untyped_storage()
        if not dense or end > storage.nbytes():
            return False
        stored[storage.data_ptr()] = storage.nbytes()
    return sum(stored.values()) <= size
