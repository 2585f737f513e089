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

from mnist_lightning.checkpoints.archive import read_archive
from mnist_lightning.checkpoints.checkpoint import Checkpoint
from mnist_lightning.errors import OutputError
from mnist_lightning.files import atomic_write

STATE = ("best_model_path", "best_model_score", "kth_best_model_path", "kth_value")


def previous(path: Path) -> Path:
    """Where the checkpoint that was replaced last is kept."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


class SafeCheckpointIO(TorchCheckpointIO):
    """Write checkpoints whole or not at all, keep the one before, and load only sound ones.

    The file that a save replaces stays beside it as ``NAME.previous.ckpt``. A save that fails warns
    and leaves the files as they were, so that training goes on. No path in one is followed.

    Args:
        checkpoint: What was read already; it is not read again.
        weights_only: Give the trainer the weights and hyperparameters alone, as to test them.
    """

    def __init__(self, checkpoint: Checkpoint | None = None, weights_only: bool = False) -> None:
        super().__init__()
        self.checkpoint = checkpoint
        self.weights_only = weights_only
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
        read = self.checkpoint
        content = dict(read.content) if read and read.path == Path(path) else {}
        if read and content:
            read.content.clear()  # handed over: a run need not keep it in memory
        content = content or read_archive(Path(path))
        states = content.pop("callbacks", {})
        if self.weights_only:
            return content
        # a ModelCheckpoint would remove the file of this name when it has a better one
        paths = {"best_model_path": "", "dirpath": ""}
        content["callbacks"] = {
            name: {**state, **paths} if isinstance(state, dict) and paths.keys() & state else state
            for name, state in states.items()
        }
        return content

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Remove a checkpoint and the one before it, unless their successor was not written."""
        if self.saved:
            for file in (Path(path), previous(Path(path))):
                file.unlink(missing_ok=True)


class BestCheckpoint(ModelCheckpoint):
    """Keep the best checkpoint; one that could not be written does not count as the best."""

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
        before = {name: getattr(self, name) for name in STATE}
        before["best_k_models"] = dict(self.best_k_models)
        yield
        files = trainer.strategy.checkpoint_io
        if isinstance(files, SafeCheckpointIO) and not files.saved:
            vars(self).update(before)
