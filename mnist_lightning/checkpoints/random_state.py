"""The random state of training."""

from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer


class RandomState(Callback):
    """Keep torch's random state in checkpoints, so that dropout goes on as if never interrupted.

    That of the first process alone; with several, the others' dropout begins anew.
    """

    def __init__(self) -> None:
        self._saved: dict[str, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Set the state of the checkpoint, once all that comes before training is done."""
        if not self._saved:
            return
        torch.set_rng_state(self._saved["cpu"])
        if len(self._saved["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(self._saved["cuda"])
        self._saved = {}

    def state_dict(self) -> dict[str, Any]:
        """The state on the CPU and on each GPU."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {"cpu": torch.get_rng_state(), "cuda": cuda}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the state until training starts; what is none is refused now."""
        torch.Generator().set_state(state_dict["cpu"])
        self._saved = {"cpu": state_dict["cpu"], "cuda": list(state_dict["cuda"])}
