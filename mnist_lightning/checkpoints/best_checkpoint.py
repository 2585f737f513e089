"""The checkpoint of the best epoch."""

from collections.abc import Iterator
from contextlib import contextmanager

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from mnist_lightning.checkpoints.checkpoint_io import SafeCheckpointIO

STATE = ("best_model_path", "best_model_score", "kth_best_model_path", "kth_value")


class BestCheckpoint(ModelCheckpoint):
    """Keep the best checkpoint; one that could not be written does not count as the best."""

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save if the validation metric is the best."""
        with self._undo_failed_save(trainer):
            super().on_validation_end(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save if the training metric is the best."""
        with self._undo_failed_save(trainer):
            super().on_train_epoch_end(trainer, pl_module)

    @contextmanager
    def _undo_failed_save(self, trainer: Trainer) -> Iterator[None]:
        before = {name: getattr(self, name) for name in STATE}
        models = dict(self.best_k_models)
        yield
        files = trainer.strategy.checkpoint_io
        if isinstance(files, SafeCheckpointIO) and not files.saved:
            self.best_k_models = models
            for name, value in before.items():
                setattr(self, name, value)
