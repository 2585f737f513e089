"""Which figures a run and a test have, by the names of their files."""

from collections.abc import Iterator
from dataclasses import astuple

import numpy as np
import torch
from lightning import LightningModule
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import nn

from mnist_lightning.report import diagnostics, plotting
from mnist_lightning.report.collector import Predictions, Samples
from mnist_lightning.report.saliency import margin_gradients

EXPLAINED = 9  # mistakes


def draw_fit(
    columns: plotting.Columns, predictions: Predictions | None
) -> Iterator[tuple[str, Figure]]:
    """Draw the curves that the columns of a history allow, predictions and confusion matrix."""
    for metric in ("loss", "accuracy"):
        if metric in columns:
            yield f"training_{metric}", plotting.plot_curve(columns, "train", metric)
        if f"val_{metric}" in columns:
            yield f"validation_{metric}", plotting.plot_curve(columns, "val", metric)
    if len(columns) > 2:  # more than epoch and seconds
        yield "curves", plotting.plot_curves(columns)
    if predictions:
        shown = predictions.shown
        yield (
            "predictions",
            plotting.plot_predictions(shown.images, shown.labels, shown.predictions),
        )
        yield "confusion_matrix", _confusion_matrix(predictions)


def draw_test(module: LightningModule, predictions: Predictions) -> Iterator[tuple[str, Figure]]:
    """Draw confusions, mistakes and what spoke for them, calibration, and the first filters."""
    yield "confusion_matrix", _confusion_matrix(predictions)
    worst = predictions.mistakes
    yield "mistakes", diagnostics.plot_mistakes(*vars(worst).values())
    few = worst[:EXPLAINED]
    gradients = _gradients(module, few)
    yield (
        "attention",
        diagnostics.plot_attention(few.images, gradients, few.labels, few.predictions),
    )
    scores = predictions.scores
    counts, confidences, accuracies = np.array([astuple(each) for each in scores.bins]).T
    yield (
        "reliability",
        diagnostics.plot_reliability(counts, confidences, accuracies, scores.calibration_error),
    )
    convolutions = [each for each in module.modules() if isinstance(each, nn.Conv2d)]
    if convolutions:
        filters = convolutions[0].weight.detach().flatten(0, 1).float().cpu()
        yield "filters", diagnostics.plot_filters(filters.numpy())


def _confusion_matrix(predictions: Predictions) -> Figure:
    return plotting.plot_confusion_matrix(np.array(predictions.scores.confusion_matrix))


def _gradients(module: LightningModule, samples: Samples) -> NDArray[np.float32]:
    """Compute them where, and as precisely as, the network computes; (N, H, W)."""
    images, labels, predictions = (
        torch.from_numpy(each).to(module.device)
        for each in (samples.images, samples.labels, samples.predictions)
    )
    pixels = images.unsqueeze(1).to(module.dtype)
    return margin_gradients(module, pixels, labels, predictions).float().cpu().numpy()
