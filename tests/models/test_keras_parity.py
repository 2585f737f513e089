"""The same network, gradients and training as Keras itself."""

from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from keras_original import keras, original
from lightning import Callback, Trainer
from runs import quiet
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from mnist_lightning import MNISTClassifier
from mnist_lightning.export.keras_layers import load_arrays, to_arrays
from mnist_lightning.models.network import ConvNet

# The default, and the original at widths that fit a test; each layer of its own width, so that no
# two axes can be confused.
SIZES = [((32, 64, 64), (128,)), ((3, 4, 5), (17, 6))]
FULL = ((32, 64, 64), (7744, 128))
# Float64 sums in another order differ by 1e-16; 100 steps of Adam multiply that, and where a
# gradient is nearly zero Adam's division by its size does too.
TRAINING_BOUND = 1e-9

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")

Sizes = tuple[tuple[int, ...], tuple[int, ...]]


def digits(n: int, dtype: str) -> tuple[Any, Any]:
    """Images, (N, 28, 28, 1) in [0, 1], and labels that can be learnt from them.

    A fifth of the labels are random: no loss gets so small that Keras's clip of probabilities at
    1e-7, which a loss on logits does not need, would show.
    """
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, n)
    images = random.uniform(0, 0.25, (n, 28, 28, 1))
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 4 : 2 * label + 8, : 8 + 2 * label] += 0.75
    noise = random.uniform(size=n) < 0.2
    return images.astype(dtype), np.where(noise, random.integers(0, 10, n), labels)


def pair(sizes: Sizes, dtype: str = "float32") -> tuple[Any, MNISTClassifier]:
    """The network in Keras, and ours with its weights; biases too are not zero."""
    keras.utils.set_random_seed(1)
    theirs = original(*sizes, dtype=dtype)
    random = np.random.default_rng(2)
    theirs.set_weights(
        [w if w.ndim > 1 else random.normal(0, 0.1, w.shape) for w in theirs.get_weights()]
    )
    ours = MNISTClassifier(*sizes).to(getattr(torch, dtype))
    load_arrays(ours.net, theirs.get_weights())
    return theirs, ours


def to_torch(images: Any) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2)


def assert_close(ours: Iterable[Any], theirs: Iterable[Any], bound: float) -> None:
    """Differences stay below the bound, relative to the largest value of each array."""
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= bound * np.abs(b).max()


def layers_of(net: ConvNet) -> list[tuple[list[int], int]]:
    """Output shape, channels last as Keras has them, and parameters of each layer."""
    rows = []

    def keep(module: nn.Module, _: Any, output: Tensor) -> None:
        shape = output.movedim(1, -1).shape[1:]
        rows.append(([*shape], sum(weight.numel() for weight in module.parameters())))

    for module in net.modules():
        # in Keras ReLU is a part of the layer before
        if not isinstance(module, nn.ReLU | nn.Sequential | ConvNet):
            module.register_forward_hook(keep)
    net(torch.zeros(1, 1, 28, 28))
    return rows


@pytest.mark.parametrize("sizes", [*SIZES, pytest.param(FULL, id="original")])
def test_layers_agree(sizes: Sizes) -> None:
    with torch.device("meta"):
        ours = layers_of(ConvNet(*sizes))
    theirs = original(*sizes).layers
    assert ours == [([*layer.output.shape[1:]], layer.count_params()) for layer in theirs]


def logits_of(theirs: Any, images: Any) -> Any:
    """Keras's logits: what its last layer gives without its softmax."""
    last = theirs.layers[-1]
    last.activation, softmax = keras.activations.linear, last.activation
    try:
        return theirs(images)
    finally:
        last.activation = softmax


BOUNDS = [("float32", 1e-5), ("float64", 1e-12)]


@pytest.mark.parametrize(("dtype", "bound"), BOUNDS)
@pytest.mark.parametrize("sizes", [*SIZES, pytest.param(FULL, marks=pytest.mark.slow)])
def test_forward_and_gradients_agree(sizes: Sizes, dtype: str, bound: float) -> None:
    theirs, ours = pair(sizes, dtype)
    # Few images: where rounding tips a ReLU or a pool, a gradient jumps, and no bound holds.
    images, labels = digits(4, dtype)
    logits = ours(to_torch(images))
    assert_close([logits.detach().numpy()], [logits_of(theirs, images).detach().numpy()], bound)
    probabilities = ours.predict_step(to_torch(images))["probabilities"].detach().numpy()
    assert_close([probabilities], [theirs(images).detach().numpy()], bound)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    F.cross_entropy(logits, torch.from_numpy(labels)).backward()  # type: ignore[no-untyped-call]
    loss = keras.losses.SparseCategoricalCrossentropy()(labels, theirs(images))
    loss.backward()
    expected = [weight.value.grad.numpy() for weight in theirs.trainable_weights]
    for parameter in ours.parameters():
        assert parameter.grad is not None
        parameter.data = parameter.grad  # to_arrays brings them into Keras's order
    assert_close(to_arrays(ours.net), expected, bound)


LOGGED = {  # Keras's names and ours
    "loss": "train/loss",
    "accuracy": "train/accuracy",
    "val_loss": "val/loss",
    "val_accuracy": "val/accuracy",
}


class Recorder(Callback):
    """Keep the loss of each step and the metrics of each epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.epochs: list[dict[str, float]] = []

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, *_: Any) -> None:
        self.losses.append(outputs["loss"].item())

    def on_train_epoch_end(self, trainer: Trainer, *_: Any) -> None:
        metrics = trainer.callback_metrics
        self.epochs.append({name: metrics[name].item() for name in metrics})


def fit(
    model: MNISTClassifier, images: Any, labels: Any, batch_size: int, folder: Path, epochs: int = 1
) -> Recorder:
    """Train in order under a plain Trainer, and validate on the same images."""
    recorder = Recorder()
    data = TensorDataset(to_torch(images), torch.from_numpy(labels))
    batches = DataLoader(data, batch_size)
    precision = "64-true" if model.dtype == torch.float64 else "32-true"
    trainer = quiet(folder, precision=precision, max_epochs=epochs, callbacks=[recorder])
    trainer.fit(model, batches, batches)
    return recorder


@pytest.mark.parametrize(
    ("sizes", "batch"),
    [(SIZES[1], 8), pytest.param(SIZES[0], 32, marks=pytest.mark.slow)],
)
def test_a_hundred_steps_agree(sizes: Sizes, batch: int, tmp_path: Path) -> None:
    theirs, ours = pair(sizes, "float64")
    theirs.compile("adam", "sparse_categorical_crossentropy")
    images, labels = digits(100 * batch, "float64")
    expected = []
    for i in range(0, len(images), batch):
        theirs.reset_metrics()
        expected.append(theirs.train_on_batch(images[i : i + batch], labels[i : i + batch]))
    losses = fit(ours, images, labels, batch, tmp_path).losses
    assert np.mean(losses[-10:]) < 0.95 * losses[0], "it learns, so the steps are not small"
    np.testing.assert_allclose(losses, np.array(expected, "float64"), rtol=1e-6)
    assert_close(to_arrays(ours.net), theirs.get_weights(), TRAINING_BOUND)


def test_initial_weights_are_of_kerass_distribution() -> None:
    theirs, ours = original().get_weights(), to_arrays(MNISTClassifier().net)
    for a, b in zip(ours, theirs, strict=True):
        if a.ndim == 1:
            assert not a.any()
            assert not b.any()
            continue
        fan = prod(a.shape[:-2]) * sum(a.shape[-2:])
        bound = (6 / fan) ** 0.5
        few = 5 / a.size**0.5  # five standard errors
        for weights in (a, b):
            assert 0.98 * bound < np.abs(weights).max() <= bound
            assert abs(weights.mean()) < few * bound / 3**0.5
            # the fourth moment of a uniform distribution is 9/5 of its variance squared
            assert (weights**2).mean() == pytest.approx(bound**2 / 3, rel=few)
            assert (weights**4).mean() == pytest.approx(bound**4 / 5, rel=2 * few)


def test_metrics_of_each_epoch_are_those_of_kerass_history(tmp_path: Path) -> None:
    theirs, ours = pair(SIZES[1])
    theirs.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = digits(300, "float32")  # the last batch is ragged: 300 = 9 x 32 + 12
    seen = theirs.fit(
        images, labels, 32, 3, verbose=0, shuffle=False, validation_data=(images, labels)
    ).history
    epochs = fit(ours, images, labels, 32, tmp_path, 3).epochs
    assert 0.2 < seen["accuracy"][-1] < 1, "neither nothing nor all is learnt"
    for name, logged in LOGGED.items():
        np.testing.assert_allclose([epoch[logged] for epoch in epochs], seen[name], rtol=1e-3)
