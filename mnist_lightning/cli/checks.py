"""Checks before the first step."""

from typing import Any

from lightning import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, WeightAveraging
from torch.optim.lr_scheduler import OneCycleLR

from mnist_lightning.checkpoints.checkpoint import Checkpoint
from mnist_lightning.checkpoints.checkpoint_io import BestCheckpoint
from mnist_lightning.checkpoints.last_checkpoint import trainer_options
from mnist_lightning.cli.settings import MADE
from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.errors import UsageError
from mnist_lightning.models.classifier import MNISTClassifier
from mnist_lightning.report.history import LOGGED

# What Lightning takes, and fails with later
LEAST = {"accumulate_grad_batches": 1, "check_val_every_n_epoch": 1, "gradient_clip_val": 0}


class StartChecks(Callback):
    """Refuse at the start of training what would fail at its end."""

    trained = False  # whether a batch has been trained on

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Check the schedule's length, and that no batch holds a single image to normalise."""
        steps = trainer.estimated_stepping_batches
        for config in trainer.lr_scheduler_configs:
            planned = getattr(config.scheduler, "total_steps", steps)
            own = pl_module.hparams.get("schedule") == "one_cycle"  # whose end is the run's
            if own and isinstance(config.scheduler, OneCycleLR) and planned != steps:
                reason = f"its {planned} steps are not the {steps} of this run"
                raise UsageError(
                    f"model.schedule is one_cycle: {reason}; resume with the same options"
                )
        if not pl_module.hparams.get("batch_norm") or attached_data(trainer) is None:
            return
        loader: Any = trainer.train_dataloader
        size, images = loader.batch_size, len(loader.sampler)
        if size == 1 or images % size == 1:
            raise UsageError(
                f"model.batch_norm is True: the last batch of {images:,} images in batches of "
                f"{size} would hold one, which cannot be normalised; choose another data.batch_size"
            )

    def on_train_batch_end(self, *args: Any) -> None:
        """Note that training is under way."""
        self.trained = True


def check_fit(trainer: Trainer, module: LightningModule, resumed: Checkpoint | None) -> None:
    """Refuse what Lightning would fail with later, or what would not end as the resumed run."""
    for name, least in LEAST.items():
        value = getattr(trainer, name)
        if value is not None and value < least:
            raise UsageError(f"trainer.{name} is {value}: must be at least {least}")
    names = [x for x in LOGGED.values() if trainer.limit_val_batches or not x.startswith("val/")]
    for callback in trainer.callbacks if type(module) is MNISTClassifier else ():  # type: ignore[attr-defined]
        monitor = getattr(callback, "monitor", None)
        if isinstance(callback, ModelCheckpoint | EarlyStopping) and monitor not in (None, *names):
            own = isinstance(callback, BestCheckpoint)
            option = "best_checkpoint" if own else f"trainer.callbacks: {type(callback).__name__}"
            raise UsageError(f"{option}.monitor is {monitor}: must be one of {', '.join(names)}")
    if resumed is None:
        return
    averages = any(isinstance(each, WeightAveraging) for each in trainer.callbacks)  # type: ignore[attr-defined]
    if "averaging_state" in resumed.content and not averages:
        raise UsageError(
            f"ckpt_path is {resumed.path}: its run kept averaged weights; resume with the same "
            "--config, or its callback in trainer.callbacks"
        )
    stored = resumed.content.get("trainer_options", {})
    for name, given in trainer_options(trainer).items():
        if name in stored and given != stored[name]:
            raise UsageError(f"trainer.{name} is {given}, but {MADE} {stored[name]}")


def check_classes(module: LightningModule, data: LightningDataModule | None) -> None:
    """Refuse a network of ours that has fewer classes than the data."""
    least = getattr(data, "num_classes", 0)
    if isinstance(module, MNISTClassifier) and module.num_classes < least:
        raise UsageError(f"model.num_classes is {module.num_classes}: must be at least {least}")
