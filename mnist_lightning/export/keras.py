"""Weights in and out of Keras."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Trainer
from numpy.typing import NDArray
from torch import Tensor, nn

from mnist_lightning.checkpoints.checkpoint import read_checkpoint
from mnist_lightning.data.sources import MNIST
from mnist_lightning.errors import KerasError
from mnist_lightning.files import atomic_write, check_output
from mnist_lightning.models.classifier import MNISTClassifier
from mnist_lightning.models.network import IMAGE_SIZE, KERNEL_SIZE, POOL_SIZE, ConvNet

EXTRA = 'pip install "mnist-lightning[keras]"'


def import_keras(model: str, checkpoint: str) -> None:
    """Turn a Keras model into a checkpoint that test and predict take.

    Args:
        model: Keras's file: .keras, .h5 or .weights.h5; read as data, nothing in it is executed.
        checkpoint: File to write.

    Raises:
        KerasError: Keras is not installed, or the model is of another network or damaged.
        OutputError: The checkpoint is there already or cannot be written.
    """
    keras = _keras()
    from mnist_lightning.export.keras_file import (
        KerasFileError,
        check_layers,
        described,
        read_layers,
    )

    source = Path(model)
    check_output("checkpoint", checkpoint, ".ckpt")
    try:
        layers = read_layers(source)
        classifier = _classifier(layers)
        network = build(keras, classifier.net)
        check_layers(source, layers, described(network.get_config()))
        network.load_weights(source)
    except KerasFileError as error:
        raise KerasError(str(error)) from error
    except ValueError as error:
        raise KerasError(f"{model}: {error}") from error
    load_arrays(classifier.net, network.get_weights())
    _save(classifier, checkpoint)
    print(f"Checkpoint: {checkpoint}")


def export_keras(checkpoint: str, model: str) -> None:
    """Turn a checkpoint into a model that Keras opens.

    Args:
        checkpoint: File of fit or import-keras.
        model: File to write: .keras

    Raises:
        CheckpointError: The checkpoint is missing, damaged or of another network.
        KerasError: Keras is not installed, or the network has batch normalisation.
        OutputError: The model is there already or cannot be written.
    """
    keras = _keras()
    check_output("model", model, ".keras")
    read = read_checkpoint(Path(checkpoint))
    classifier = read.classifier()
    if read.model.get("batch_norm"):
        raise KerasError(f"{checkpoint}: a network with batch_norm cannot be brought to Keras")
    network = build(keras, classifier.net)
    network.set_weights(to_arrays(classifier.net))
    with atomic_write(model) as draft:
        network.save(draft)
    standard = read.data.get("normalize") == "standard"
    scaled = f", minus {MNIST.mean}, divided by {MNIST.std}" if standard else ""
    print(f"Keras model: {model}; takes images (B, 28, 28, 1) in [0, 1]{scaled}")


def build(keras: Any, net: ConvNet) -> Any:
    """Build the same network in Keras, as a Sequential model; its weights are Keras's own."""
    layers = keras.layers
    convolutions, dense = _convolutions(net), _dense(net)
    return keras.Sequential(
        [
            keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1)),
            *(layers.Conv2D(c.out_channels, KERNEL_SIZE, activation="relu") for c in convolutions),
            layers.MaxPooling2D(POOL_SIZE),
            layers.Flatten(),
            *(layers.Dense(d.out_features, activation="relu") for d in dense[:-1]),
            layers.Dense(dense[-1].out_features, activation="softmax"),
        ]
    )


def to_arrays(net: ConvNet) -> list[NDArray[Any]]:
    """Give the weights as Keras's ``Model.get_weights`` does.

    Kernels of convolutions are (height, width, in, out); of Dense layers (in, out), the first with
    its inputs in the order height, width, channel.
    """
    channels = _convolutions(net)[-1].out_channels
    weights: list[Tensor] = []
    for parameter in net.parameters():
        weight = parameter.detach().cpu()
        if weight.ndim == 4:
            weight = weight.permute(2, 3, 1, 0)
        elif weight.ndim == 2:
            weight = weight.T
            if weights[-2].ndim == 4:  # the first Dense layer: (C H W, out) to (H W C, out)
                weight = _swap(weight, channels, len(weight) // channels)
        weights.append(weight)
    return [weight.contiguous().numpy() for weight in weights]


def load_arrays(net: ConvNet, arrays: Sequence[NDArray[Any]]) -> None:
    """Copy the weights of Keras's ``Model.get_weights`` into the network."""
    channels = _convolutions(net)[-1].out_channels
    weights: list[Tensor] = []
    for array in arrays:
        weight = torch.from_numpy(np.ascontiguousarray(array))
        if weight.ndim == 4:
            weight = weight.permute(3, 2, 0, 1)
        elif weight.ndim == 2:
            if weights[-2].ndim == 4:  # the first Dense layer: (H W C, out) to (C H W, out)
                weight = _swap(weight, len(weight) // channels, channels)
            weight = weight.T
        weights.append(weight)
    with torch.no_grad():
        for parameter, weight in zip(net.parameters(), weights, strict=True):
            parameter.copy_(weight)


def _swap(kernel: Tensor, outer: int, inner: int) -> Tensor:
    """Turn rows that count (outer, inner) into rows that count (inner, outer)."""
    return kernel.reshape(outer, inner, -1).transpose(0, 1).flatten(0, 1)


def _keras() -> Any:
    """Import Keras; on torch, unless its user has chosen another backend."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import keras
    except ImportError as error:
        raise KerasError(f"Keras cannot be imported ({error}): {EXTRA}") from error
    return keras


def _classifier(layers: Sequence[dict[str, Any]]) -> MNISTClassifier:
    """Make a classifier with as many convolutions and Dense layers, each as wide."""
    channels = [layer["filters"] for layer in layers if layer["class_name"] == "Conv2D"]
    units = [layer["units"] for layer in layers if layer["class_name"] == "Dense"]
    return MNISTClassifier(channels, units[:-1], units[-1] if units else 0)


def _save(classifier: MNISTClassifier, path: str) -> None:
    """Write a checkpoint of weights and hyper-parameters, whole or not at all."""
    trainer = Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.strategy.connect(classifier)
    with atomic_write(path) as draft:
        trainer.save_checkpoint(draft, weights_only=True)


def _convolutions(net: ConvNet) -> list[nn.Conv2d]:
    return [module for module in net.modules() if isinstance(module, nn.Conv2d)]


def _dense(net: ConvNet) -> list[nn.Linear]:
    return [module for module in net.modules() if isinstance(module, nn.Linear)]
