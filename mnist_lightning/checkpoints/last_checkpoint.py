"""The checkpoint to go on from."""

from pathlib import Path
from types import FrameType
from typing import Any, Literal

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.trainer.states import TrainerFn

from mnist_lightning.checkpoints.run_folder import run_folder
from mnist_lightning.checkpoints.signals import Stopped, restore_handlers, set_handlers
from mnist_lightning.models.fingerprint import fingerprint

# How Lightning counts a pass that has begun with its first batch, and will begin again
BEGUN = {"ready": 1, "started": 1, "processed": 0, "completed": 0}
# What the result of a run depends on, beside its model and data
STEP = ("accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm")
OPTIONS = (*STEP, "limit_train_batches", "overfit_batches", "precision", "world_size")
# What comes next: another step, a validation, what follows an epoch, or the rest of one
Place = Literal["step", "validation", "epoch", "rest"]


class LastCheckpoint(Checkpoint):
    """Keep ``checkpoints/last.ckpt``, from which a run goes on exactly.

    It is written before each validation and after each epoch, after all callbacks that are no
    checkpoints themselves. Where SIGINT or SIGTERM ask for a stop, the step is finished and saved
    first; a second signal stops at once. With several processes a signal is not waited for.

    Args:
        every_n_train_steps: Save after every so many steps of the optimizer too.
    """

    def __init__(self, every_n_train_steps: int | None = None) -> None:
        if every_n_train_steps is not None and every_n_train_steps < 1:
            raise ValueError(f"every_n_train_steps is {every_n_train_steps}: must be at least 1")
        self.every_n_train_steps = every_n_train_steps
        self._handlers: dict[Any, Any] = {}
        self._signal = 0
        self._step = 0
        self._stepped = False  # whether the last batch ended with a step
        self._saved: tuple[float, ...] = ()  # fingerprint of the network that was saved last
        self._place: Place = "step"

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        """Wait for signals, and count steps from here."""
        self._step = trainer.global_step
        if trainer.world_size == 1 and not self._handlers:  # a finder of Lightning starts twice
            self._handlers = set_handlers(self._on_signal)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Save where it is due; only after a step, as gradients are not kept."""
        self._stepped = trainer.global_step != self._step
        if not self._stepped:
            return
        self._step = trainer.global_step
        ends = trainer.is_last_batch or self._step == trainer.max_steps
        if ends or _validates_next(trainer):
            return  # a save at the epoch's end, or before validation, comes next
        every = self.every_n_train_steps
        if self._signal or (every and self._step % every == 0):
            self._save(trainer, "step")
        self._stop(trainer)

    def on_validation_start(self, trainer: Trainer, *_: Any) -> None:
        """Save before a validation within ``fit``."""
        if trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking:
            if self._stepped:
                self._save(trainer, "validation")
            self._stop(trainer)

    def on_validation_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Stop where that was asked for: what was saved before validation begins it again."""
        self._stop(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save."""
        self._save_end(trainer, pl_module)
        self._stop(trainer)

    def on_train_end(self, *_: Any) -> None:
        """Wait for signals no longer; a validation that follows begins no step."""
        self.on_exception()
        self._stepped = False

    def on_exception(self, *_: Any) -> None:
        """Wait for signals no longer."""
        restore_handlers(self._handlers)
        self._handlers = {}

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save where nothing was left to train, or a callback changed the network at the end."""
        if trainer.global_step and self._saved != fingerprint(pl_module):
            self._save_end(trainer, pl_module)

    def on_save_checkpoint(self, trainer: Trainer, _: Any, checkpoint: dict[str, Any]) -> None:
        """Note the trainer's options, and let a resumed run begin with what comes next."""
        checkpoint["trainer_options"] = trainer_options(trainer)
        loops = checkpoint["loops"]["fit_loop"]
        if self._place == "validation":
            # Lightning takes a run up within one only if that counts a first batch as begun
            for count in ("total", "current"):
                loops["epoch_loop.val_loop.batch_progress"][count] = dict(BEGUN)
        elif self._place == "epoch":
            # Lightning counts an epoch as done only after the callbacks; resumed as it is saved,
            # the run would end the epoch a second time
            epochs, batches = loops["epoch_progress"], loops["epoch_loop.batch_progress"]
            for count in (epochs["total"], epochs["current"]):
                count["completed"] = count["processed"]
            batches.update(current=dict.fromkeys(batches["current"], 0), is_last_batch=False)
        elif self._place == "rest":
            # Lightning counts an epoch as done that max_steps, or a callback, ends before its end
            for count in loops["epoch_progress"].values():
                count["completed"] = count["processed"] = count["started"] - 1

    def _save_end(self, trainer: Trainer, module: LightningModule) -> None:
        batches = trainer.fit_loop.epoch_loop.batch_progress
        cut = batches.current.ready and not batches.is_last_batch
        self._save(trainer, "rest" if cut else "epoch")
        self._saved = fingerprint(module)

    def _save(self, trainer: Trainer, place: Place) -> None:
        self._place = place
        folder = Path(run_folder(trainer) or trainer.default_root_dir, "checkpoints")
        trainer.save_checkpoint(folder / "last.ckpt")
        self._place = "step"

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._signal:
            raise Stopped(number)
        self._signal = number

    def _stop(self, trainer: Trainer) -> None:
        if self._signal:
            place = f" in epoch {trainer.current_epoch + 1}, step {trainer.global_step}"
            raise Stopped(self._signal, f"{place}; the same command with --ckpt_path last goes on")


def _validates_next(trainer: Trainer) -> bool:
    """Whether Lightning validates after this batch; a save between would be resumed without it."""
    every, interval = trainer.check_val_every_n_epoch, trainer.val_check_batch
    if not trainer.enable_validation or (every and (trainer.current_epoch + 1) % every):
        return False
    loop = trainer.fit_loop.epoch_loop
    done = (loop.batch_idx if every else loop.total_batch_idx) + 1
    return trainer.should_stop or (isinstance(interval, int) and done % interval == 0)


def trainer_options(trainer: Trainer) -> dict[str, Any]:
    """The trainer's options that a run must keep to go on exactly, as plain values."""
    options = {name: getattr(trainer, name) for name in OPTIONS}
    return {name: getattr(value, "value", value) for name, value in options.items()}  # enums
