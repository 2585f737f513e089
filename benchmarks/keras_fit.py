"""Train the original in Keras itself, and print its history as JSON.

The backend is Keras's own choice: set ``KERAS_BACKEND`` to torch, tensorflow or jax.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np


def model(hidden_dims: list[int]) -> Any:
    """The network, compiled as the original is: Adam, cross-entropy, accuracy."""
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            *(layers.Conv2D(channels, 3, activation="relu") for channels in (32, 64, 64)),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            *(layers.Dense(width, activation="relu") for width in hidden_dims),
            layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def load(data_dir: str, split: str) -> tuple[Any, Any]:
    """Read official files: images (N, 28, 28, 1) float32 in [0, 1], labels (N,) int64."""
    raw = Path(data_dir, "MNIST", "raw")
    images = np.frombuffer((raw / f"{split}-images-idx3-ubyte").read_bytes(), np.uint8, offset=16)
    labels = np.frombuffer((raw / f"{split}-labels-idx1-ubyte").read_bytes(), np.uint8, offset=8)
    return images.reshape(-1, 28, 28, 1) / np.float32(255), labels.astype("int64")


def fit(seed: int, epochs: int, hidden_dims: list[int], data_dir: str) -> dict[str, Any]:
    """Train as the original does: batches of 32, shuffled; the test set validates each epoch.

    Returns:
        ``history``, a list of figures for each name, and ``seconds`` of the fit.
    """
    keras.utils.set_random_seed(seed)
    network = model(hidden_dims)
    started = time.perf_counter()
    train, test = load(data_dir, "train"), load(data_dir, "t10k")
    history = network.fit(*train, 32, epochs, verbose=2, validation_data=test)
    return {"history": history.history, "seconds": round(time.perf_counter() - started, 1)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--hidden_dims", type=json.loads, default=[128])
    parser.add_argument("--data_dir", default="data")
    given = parser.parse_args()
    print(json.dumps(fit(given.seed, given.epochs, given.hidden_dims, given.data_dir)))
