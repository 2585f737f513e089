"""How Lightning writes, reads and ranks checkpoints in a run."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.utilities import rank_zero_warn

from mnist_lightning.checkpoints.archive import previous, read_archive
from mnist_lightning.checkpoints.checkpoint import Checkpoint
from mnist_lightning.checkpoints.run_folder import run_folder
from mnist_lightning.errors import OutputError
from mnist_lightning.files import atomic_write


class SafeCheckpointIO(TorchCheckpointIO):
    """Write checkpoints whole or not at all, keep the one before, and load only sound ones.

    The file that a save replaces stays beside it as ``NAME.previous.ckpt``. A save that fails warns
    and leaves the files as they were, so that training goes on. No path in one is followed.
    """

    def __init__(self, checkpoint: Checkpoint | None = None, weights_only: bool = False) -> None:
        super().__init__()
        self.checkpoint = checkpoint  # read already; it is not read again
        self.weights_only = weights_only  # and hyperparameters, as to test them
        self.saved = True  # whether the last save succeeded

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write a checkpoint; a full or read-only disk costs a warning."""
        content, target = io.BytesIO(), Path(path)
        torch.save(checkpoint, content)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(target, keep=previous(target)) as draft:
                draft.write_bytes(content.getbuffer())
            self.saved = True
        except (OSError, OutputError) as error:
            self.saved = False
            rank_zero_warn(f"{path} could not be written ({error}); training goes on")

    def load_checkpoint(self, path: str | os.PathLike[str], *_: Any, **__: Any) -> dict[str, Any]:
        """Read a checkpoint; nothing but tensors and plain values is unpickled."""
        read = self.checkpoint if self.checkpoint and self.checkpoint.path == Path(path) else None
        content = dict(read.content if read else {}) or read_archive(Path(path))
        if read:
            read.content.clear()  # handed over: a run need not keep it in memory
        states = content.pop("callbacks", {})
        if not self.weights_only:
            content["callbacks"] = states
        # a ModelCheckpoint would remove the file of this name when it has a better one
        paths = {"best_model_path": "", "dirpath": ""}
        for name, state in states.items():
            if isinstance(state, dict) and paths.keys() & state:
                states[name] = {**state, **paths}
        return content

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Remove a checkpoint and the one before it, unless their successor was not written."""
        if self.saved:
            for file in (Path(path), previous(Path(path))):
                file.unlink(missing_ok=True)


class BestCheckpoint(ModelCheckpoint):
    """Keep the best checkpoint; one that could not be written does not count as the best."""

    def setup(self, trainer: Trainer, *args: Any, **kwargs: Any) -> None:
        """Keep it in the run's folder."""
        if self.dirpath is None and (folder := run_folder(trainer)):
            self.dirpath = str(folder / "checkpoints")
        super().setup(trainer, *args, **kwargs)

    def on_validation_end(self, trainer: Trainer, *args: Any) -> None:
        """Save if the validation metric is the best."""
        with self._undo_failed_save(trainer):
            super().on_validation_end(trainer, *args)

    def on_train_epoch_end(self, trainer: Trainer, *args: Any) -> None:
        """Save if the training metric is the best."""
        with self._undo_failed_save(trainer):
            super().on_train_epoch_end(trainer, *args)

    @contextmanager
    def _undo_failed_save(self, trainer: Trainer) -> Iterator[None]:
        before = {**self.state_dict(), "best_k_models": dict(self.best_k_models)}
        yield
        files = trainer.strategy.checkpoint_io
        if isinstance(files, SafeCheckpointIO) and not files.saved:
            self.load_state_dict(before)
