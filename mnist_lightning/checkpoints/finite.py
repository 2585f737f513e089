"""The watch over losses and weights."""

from typing import Any

from lightning import Callback, Trainer
from torch import Tensor

from mnist_lightning.checkpoints.archive import nonfinite
from mnist_lightning.errors import TrainingError

EVERY = 50  # steps between looks at the loss on a GPU, which has to be waited for


class Finite(Callback):
    """Stop when the loss or the weights are no longer finite, before they are kept.

    On the CPU each step's loss is looked at, of validation too; on a GPU every 50th. Weights and
    the optimizer's state are looked at before each checkpoint, so that none replaces a good one.
    """

    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        """Look at the loss of training, and of validation within it."""
        _, outputs, _, batch_idx, *_ = args  # the last, of validation: the loader's number
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if trainer.state.fn != "fit" or not isinstance(loss, Tensor):
            return
        if (loss.is_cpu or batch_idx % EVERY == 0) and not loss.isfinite():
            self._stop(trainer, f"the loss is {loss.item()}")

    def on_validation_batch_end(self, *args: Any) -> None:
        """Look at the loss."""
        self.on_train_batch_end(*args)

    def on_save_checkpoint(self, trainer: Trainer, _: Any, checkpoint: dict[str, Any]) -> None:
        """Look at all that is kept."""
        if name := nonfinite(checkpoint):
            self._stop(trainer, f"{name} is no longer finite")

    def _stop(self, trainer: Trainer, reason: str) -> None:
        place = f"epoch {trainer.current_epoch + 1}, step {trainer.global_step}"
        raise TrainingError(f"{reason} in {place}: try a lower --model.lr")
