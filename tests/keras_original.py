"""The original network in Keras itself, from the project's description; Keras runs on torch."""

import os
from collections.abc import Sequence
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"
keras: Any = __import__("keras")
# On torch Keras multiplies float64 matrices in float32; here it shall not.
keras.src.backend.common.dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


def original(
    channels: Sequence[int] = (32, 64, 64), widths: Sequence[int] = (128,), dtype: str = "float32"
) -> Any:
    """Convolutions 3 x 3 with ReLU, a 2 x 2 pool, Dense layers with ReLU, ten-way softmax.

    From here on Keras computes in ``dtype``.
    """
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *(layers.Conv2D(n, 3, activation="relu") for n in channels),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            *(layers.Dense(n, activation="relu") for n in widths),
            layers.Dense(10, activation="softmax"),
        ]
    )
