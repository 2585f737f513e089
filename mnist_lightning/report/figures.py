"""Which figures a run and a test have, by the names of their files."""

from collections.abc import Iterator
from dataclasses import astuple

import numpy as np
from lightning import LightningModule
from matplotlib.figure import Figure
from torch import nn

from mnist_lightning.report import diagnostics as dg
from mnist_lightning.report import plotting as pl
from mnist_lightning.report.collector import Array, Batch, Predictions
from mnist_lightning.report.saliency import margin_gradients

EXPLAINED = 9  # mistakes

Figures = Iterator[tuple[str, Figure]]


def draw_fit(columns: pl.Columns, predictions: Predictions | None) -> Figures:
    """Draw the curves that the columns of a history allow, predictions and confusion matrix."""
    for metric in ("loss", "accuracy"):
        if metric in columns:
            yield f"training_{metric}", pl.plot_curve(columns, "train", metric)
        if f"val_{metric}" in columns:
            yield f"validation_{metric}", pl.plot_curve(columns, "val", metric)
    if len(columns) > 2:  # more than epoch and seconds
        yield "curves", pl.plot_curves(columns)
    if predictions:
        yield "predictions", pl.plot_predictions(*predictions.shown.arrays()[:3])
        matrix = np.array(predictions.scores.confusion_matrix)
        yield "confusion_matrix", pl.plot_confusion_matrix(matrix)


def draw_test(module: LightningModule, predictions: Predictions) -> Figures:
    """Draw confusions, mistakes and what spoke for them, calibration, and the first filters."""
    scores, mistakes = predictions.scores, predictions.mistakes
    yield "confusion_matrix", pl.plot_confusion_matrix(np.array(scores.confusion_matrix))
    yield "mistakes", dg.plot_mistakes(*mistakes.arrays())
    few = mistakes.select(slice(EXPLAINED))
    images, labels, digits, _ = few.arrays()
    yield "attention", dg.plot_attention(images, _gradients(module, few), labels, digits)
    counts, confidences, accuracies = np.array([astuple(each) for each in scores.bins]).T
    error = scores.calibration_error
    yield "reliability", dg.plot_reliability(counts, confidences, accuracies, error)
    convolutions = [each for each in module.modules() if isinstance(each, nn.Conv2d)]
    if convolutions:
        filters = convolutions[0].weight.detach().flatten(0, 1).float().cpu()
        yield "filters", dg.plot_filters(filters.numpy())


def _gradients(module: LightningModule, mistakes: Batch) -> Array:
    """Compute them where, and as precisely as, the network computes; (N, H, W) float32."""
    images, labels, logits = (each.to(module.device) for each in mistakes)
    pixels, predictions = images.to(module.dtype), logits.argmax(dim=1)
    gradients: Array = margin_gradients(module, pixels, labels, predictions).float().cpu().numpy()
    return gradients
