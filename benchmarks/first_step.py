"""A callback that ends the process after the first training step."""

import os
from typing import Any

from lightning import Callback


class FirstStep(Callback):
    """End the process, as what comes later is no part of starting."""

    def on_train_batch_end(self, *_: Any) -> None:
        """Leave at once."""
        os._exit(0)
