"""The original's workflow, from the summary to the pictures, as functions for a notebook."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from lightning import LightningDataModule, LightningModule
from matplotlib.figure import Figure

from mnist_lightning.data.datamodule import MNISTDataModule
from mnist_lightning.report import plotting
from mnist_lightning.report.collector import PredictionCollector
from mnist_lightning.report.history import History
from mnist_lightning.report.layer_table import format_table, layers
from mnist_lightning.report.predictions import SHOWN, Array
from mnist_lightning.report.quiet import quiet, quiet_trainer
from mnist_lightning.report.report import Report


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network makes of the test images, in their order.

    Attributes:
        accuracy: Share classified correctly, [0, 1].
        loss: Mean cross-entropy, in nats.
        right: Images classified correctly.
        wrong: Images classified incorrectly.
        images: (N, H, W) float32, scaled as the network takes them.
        labels: (N,) int64, the truth.
        predictions: (N,) int64.
        probabilities: (N, C) float32.
        classes: What the labels stand for.
    """

    accuracy: float
    loss: float
    right: int
    wrong: int
    images: Array = field(repr=False)
    labels: Array = field(repr=False)
    predictions: Array = field(repr=False)
    probabilities: Array = field(repr=False)
    classes: Sequence[int | str] = field(repr=False)


def summary(model: LightningModule) -> None:
    """Print layers, output shapes and parameters, as Keras's ``model.summary()`` does."""
    _check_kind("model", model, LightningModule, "MNISTClassifier()")
    print(format_table(layers(model)))


def fit(
    model: LightningModule, data: LightningDataModule, epochs: int = 5
) -> dict[str, list[float]]:
    """Train on one device; print a line for each epoch, and in the end how many are right.

    Nothing is written to the disk but the data. Called again, it goes on from the weights that the
    model has, with a new optimizer. ``model.trainer.save_checkpoint(path)`` keeps the network.

    Args:
        model: What is trained, as MNISTClassifier.
        data: The images, as of MNISTDataModule.
        epochs: Passes over the training images, at least 1.

    Returns:
        The history as in Keras, a value for each epoch: ``loss``, ``accuracy``, ``val_loss`` and
        ``val_accuracy``; also ``epoch``, from 1, and ``seconds``.

    Raises:
        ValueError: The model is no LightningModule, the data no LightningDataModule, or epochs is
            below 1.
    """
    _check_kinds(model, data)
    _check("epochs", epochs)
    history = History()
    with quiet():
        quiet_trainer(epochs, history, Report(figures=False)).fit(model, datamodule=data)
    return history.columns()


def evaluate(model: LightningModule, data: LightningDataModule) -> Evaluation:
    """Classify the test images on one device.

    Raises:
        ValueError: The model gives no logits, (B, C), or the data no images with classes.
    """
    _check_kinds(model, data)
    collector = PredictionCollector()
    collector.keep_first = sys.maxsize  # all of them
    if isinstance(data, MNISTDataModule):
        collector.classes = data.classes
    with quiet():
        quiet_trainer(1, collector).test(model, datamodule=data, verbose=False)
    found = collector.predictions
    if found is None:
        raise ValueError("the model gives no logits, (B, C), or the data no images with classes")
    scores, predictions = found.scores, found.logits.argmax(dim=1)
    return Evaluation(
        scores.accuracy,
        scores.loss,
        scores.right,
        scores.count - scores.right,
        found.first_images.float().mean(dim=1).cpu().numpy(),
        found.labels.numpy(),
        predictions.numpy(),
        found.logits.softmax(dim=1).numpy(),
        found.classes,
    )


def plot_curves(history: plotting.Columns) -> Figure:
    """Draw loss and accuracy over the epochs of a history, as ``fit`` returns it."""
    return _shown(plotting.plot_curves(history))


def plot_predictions(evaluation: Evaluation, count: int = SHOWN) -> Figure:
    """Show the first images classified correctly, and the first classified incorrectly.

    Args:
        evaluation: What ``evaluate`` returned.
        count: Images of each kind, at most; the original shows nine.
    """
    _check("count", count)
    is_right = evaluation.labels == evaluation.predictions
    chosen = np.concatenate([np.flatnonzero(each)[:count] for each in (is_right, ~is_right)])
    names = np.array(evaluation.classes)
    labels, predictions = names[evaluation.labels], names[evaluation.predictions]
    return _shown(
        plotting.plot_predictions(evaluation.images[chosen], labels[chosen], predictions[chosen])
    )


class NotebookFigure(Figure):
    """A figure that shows itself where it is the value of a notebook's cell."""

    def _repr_png_(self) -> bytes:
        self.savefig(content := BytesIO(), format="png")
        return content.getvalue()


def _shown(figure: Figure) -> Figure:
    figure.__class__ = NotebookFigure
    return figure


def _check(name: str, value: object) -> None:
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value}: must be an integer of at least 1")


def _check_kinds(model: object, data: object) -> None:
    _check_kind("model", model, LightningModule, "MNISTClassifier()")
    _check_kind("data", data, LightningDataModule, "MNISTDataModule()")


def _check_kind(name: str, value: object, kind: type, example: str) -> None:
    if not isinstance(value, kind):
        given = type(value).__name__
        raise ValueError(f"{name} is a {given}: must be a {kind.__name__}, such as {example}")
