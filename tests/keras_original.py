"""The original network in Keras itself, from the project's description; Keras runs on torch."""

import os
from collections.abc import Sequence
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"
keras: Any = __import__("keras")


def original(
    channels: Sequence[int] = (32, 64, 64), widths: Sequence[int] = (128,), dtype: str = "float32"
) -> Any:
    """Convolutions 3 x 3 with ReLU, a 2 x 2 pool, Dense layers with ReLU, ten-way softmax."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), dtype=dtype),
            *(layers.Conv2D(n, 3, activation="relu", dtype=dtype) for n in channels),
            layers.MaxPooling2D(2, dtype=dtype),
            layers.Flatten(dtype=dtype),
            *(layers.Dense(n, activation="relu", dtype=dtype) for n in widths),
            layers.Dense(10, activation="softmax", dtype=dtype),
        ]
    )
