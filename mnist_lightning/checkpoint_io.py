"""Checkpoint files."""

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor

PARTS = {"state_dict": dict, "callbacks": dict, "loops": dict, "optimizer_states": list}


class CheckpointError(Exception):
    """A checkpoint is missing, damaged, or not one of ours; the text is one line."""


class SafeCheckpointIO(TorchCheckpointIO):
    """Write checkpoints whole or not at all, keep the one before, and load only sound ones.

    A save goes to a draft in the same folder, is flushed to the disk and then renamed; the file
    that it replaces stays beside it as ``NAME.previous.ckpt``. A save that fails warns and leaves
    the files as they were, so that training goes on. No path in a checkpoint is followed.
    """

    def __init__(self) -> None:
        super().__init__()
        self._saved = True

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write a checkpoint; a full or read-only disk costs a warning."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        try:
            _write(content.getbuffer(), Path(path))
            self._saved = True
        except OSError as error:
            self._saved = False
            rank_zero_warn(f"{path} could not be written ({error.strerror}); training goes on")

    def load_checkpoint(
        self,
        path: str | os.PathLike[str],
        map_location: Callable[..., Any] | None = None,
        weights_only: bool | None = True,
    ) -> dict[str, Any]:
        """Read a checkpoint; nothing but tensors and plain values is unpickled."""
        content = read_checkpoint(Path(path))
        for state in content.get("callbacks", {}).values():
            if isinstance(state, dict) and {"best_model_path", "dirpath"} & state.keys():
                # a ModelCheckpoint would remove the file of this name when it has a better one
                state.update(best_model_path="", dirpath="")
        return content

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Remove a checkpoint and the one before it, unless their successor was not written."""
        if self._saved:
            for file in (Path(path), previous(Path(path))):
                file.unlink(missing_ok=True)


def previous(path: Path) -> Path:
    """Where the checkpoint that was replaced last is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint on the CPU, its checksums and numbers checked.

    Raises:
        CheckpointError: It is damaged, holds more than tensors and plain values, or has numbers in
            its weights or optimiser that are not finite.
    """
    try:
        _check_archive(path)
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged stream fails in any way
        raise CheckpointError(
            f"ckpt_path is {path}: damaged or not a checkpoint ({type(error).__name__})"
        ) from error
    if (
        not isinstance(content, dict)
        or any(not isinstance(content.get(part, kind()), kind) for part, kind in PARTS.items())
        or "state_dict" not in content
    ):
        raise CheckpointError(f"ckpt_path is {path}: not a checkpoint")
    if not all(map(_is_whole, leaves(content))):
        raise CheckpointError(f"ckpt_path is {path}: a tensor in it is larger than what is stored")
    if not all(isinstance(weight, Tensor) for weight in content["state_dict"].values()):
        raise CheckpointError(f"ckpt_path is {path}: its weights are no tensors")
    if name := nonfinite(content):
        raise CheckpointError(f"ckpt_path is {path}: {name} holds numbers that are not finite")
    return content


def nonfinite(content: dict[str, Any]) -> str:
    """Name the weight, or the other state of a checkpoint, that is not finite; else empty."""
    parts = {name: content.get(name) for name in ("optimizer_states", "averaging_state")}
    for name, part in {**content["state_dict"], **parts}.items():
        if not all(leaf.isfinite().all() for leaf in leaves(part) if isinstance(leaf, Tensor)):
            return str(name)
    return ""


def _check_archive(path: Path) -> None:
    """Refuse what ``torch.load`` does not look at: wrong checksums, and entries that expand."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
        if packed or sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise zipfile.BadZipFile
        if archive.testzip():
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


def _is_whole(value: Any) -> bool:
    """Tell whether a tensor has an element in memory for each that it claims to have."""
    if not isinstance(value, Tensor):
        return True
    if value.layout != torch.strided or not value.is_cpu or value.is_quantized:
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()


def _write(content: memoryview, target: Path) -> None:
    draft = target.with_suffix(".draft")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.replace(target, previous(target))
        os.replace(draft, target)
    except OSError:
        with suppress(OSError):
            if not target.exists():
                os.replace(previous(target), target)
        with suppress(OSError):
            draft.unlink()
        raise
    with suppress(OSError):  # where folders can be flushed, the new name is on the disk too
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
