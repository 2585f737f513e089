"""The checkpoint of the best epoch."""

from lightning import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from mnist_lightning.checkpoints.checkpoint_io import SafeCheckpointIO

KEPT = ("best_k_models", "best_model_path", "best_model_score", "kth_best_model_path", "kth_value")


class BestCheckpoint(ModelCheckpoint):
    """Keep the best checkpoint; one that could not be written does not count as the best."""

    def _update_best_and_save(
        self, current: Tensor, trainer: Trainer, monitor_candidates: dict[str, Tensor]
    ) -> None:
        before = {name: getattr(self, name) for name in KEPT}
        before["best_k_models"] = dict(self.best_k_models)
        super()._update_best_and_save(current, trainer, monitor_candidates)
        files = trainer.strategy.checkpoint_io
        if isinstance(files, SafeCheckpointIO) and not files.saved:
            for name, value in before.items():
                setattr(self, name, value)
