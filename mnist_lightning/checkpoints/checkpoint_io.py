"""How checkpoints are written and read in training."""

import io
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.utilities import rank_zero_warn

from mnist_lightning.checkpoints.archive import previous, read_checkpoint


class SafeCheckpointIO(TorchCheckpointIO):
    """Write checkpoints whole or not at all, keep the one before, and load only sound ones.

    A save goes to a draft in the same folder, is flushed to the disk and then renamed; the file
    that it replaces stays beside it as ``NAME.previous.ckpt``. A save that fails warns and leaves
    the files as they were, so that training goes on. No path in a checkpoint is followed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.saved = True  # whether the last save was made

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write a checkpoint; a full or read-only disk costs a warning."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        try:
            _write(content.getbuffer(), Path(path))
            self.saved = True
        except OSError as error:
            self.saved = False
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
        if self.saved:
            for file in (Path(path), previous(Path(path))):
                file.unlink(missing_ok=True)


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
