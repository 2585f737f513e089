"""Keras as a contender of the benchmark; ``KERAS_BACKEND`` chooses tensorflow, jax or torch."""

import argparse
import json
from typing import Any

import keras
from keras_fit import load, model
from pace import Pace


class Ticks(keras.callbacks.Callback):  # type: ignore[misc]
    """Tell the pace of each training step."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self.pace = pace

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count."""
        self.pace.tick()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden_dims", type=json.loads, default=[128])
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--jit", type=json.loads, default="auto", help='true, false, or "auto"')
    given = parser.parse_args()
    network = model(given.hidden_dims)
    network.jit_compile = given.jit
    network.fit(*load(given.data_dir, "train"), 32, 5, callbacks=[Ticks(Pace(given.steps))])
