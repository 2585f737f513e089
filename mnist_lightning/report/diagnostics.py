"""Figures of a test: arrays in, ``Figure`` out."""

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from mnist_lightning.report.plotting import Array, plot_tiles

NONE = "No mistakes"


def plot_mistakes(images: Array, labels: Array, predictions: Array, probabilities: Array) -> Figure:
    """Show images (N, H, W) with truth, prediction and its probability, (N,) each; six a row."""
    each = zip(labels, predictions, probabilities, strict=True)
    titles = [f"{label} taken for {digit}\n{chance:.1%}" for label, digit, chance in each]
    title = "Mistakes with the highest loss" if titles else NONE
    return plot_tiles(images, titles, 6, title)


def plot_attention(images: Array, gradients: Array, labels: Array, predictions: Array) -> Figure:
    """Show what spoke for each mistake, beside its image, three a row.

    ``gradients``, (N, H, W) as the images, are above 0 where ink speaks for the prediction, below
    0 where it speaks for the truth, the label.
    """
    tiles = np.zeros((*images.shape[:2], 2 * images.shape[2], 4))
    for tile, image, gradient in zip(tiles, images, gradients, strict=True):
        ink = np.asarray(Normalize()(image))
        speaks = _signed(gradient)
        speaks[..., :3] *= 1 - ink[..., np.newaxis] / 4  # the digit's shadow
        tile[:] = np.concatenate([colormaps["gray"](ink), speaks], axis=1)
    titles = [f"{true} taken for {digit}" for true, digit in zip(labels, predictions, strict=True)]
    title = "Where more ink speaks for the prediction (red) or for the truth (blue)"
    return plot_tiles(tiles, titles, 3, title if titles else NONE)


def plot_filters(filters: Array) -> Figure:
    """Show filters, (N, H, W) float, eight a row; red is above 0, blue below."""
    largest = np.abs(filters).max(initial=1e-12)
    title = f"Filters of the first layer, {-largest:.2f} (blue) to {largest:.2f} (red)"
    return plot_tiles(_signed(filters), [""] * len(filters), 8, title)


def plot_reliability(counts: Array, confidences: Array, accuracies: Array, error: float) -> Figure:
    """Compare confidence with accuracy in bins, (B,) each with the counts of their predictions.

    ``error`` is the expected calibration error.
    """
    figure = Figure(figsize=(5.6, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], "--", color="gray", label="as sure as right")
    above.vlines(confidences, confidences, accuracies, color="tab:orange", linewidth=1.5)
    above.plot(confidences, accuracies, "o", color="tab:blue", label="predictions")
    above.set(ylabel="Share that is right", title=f"Reliability, calibration error {error:.4f}")
    above.yaxis.set_major_formatter(PercentFormatter(1))
    above.legend(loc="lower right")
    below.bar(confidences, counts, width=0.02, color="tab:blue", log=True)
    below.set_ylim(bottom=0.5)  # so that one image shows
    below.set(xlabel="Probability of the prediction", ylabel="Images")
    below.xaxis.set_major_formatter(PercentFormatter(1))
    for ax in (above, below):
        ax.grid(alpha=0.3)
    return figure


def _signed(values: Array) -> Array:
    """Color numbers, blue below 0, white, red above, by the largest: (..., 4) RGBA."""
    largest = np.abs(values).max(initial=1e-12)
    return np.asarray(colormaps["bwr"](values / largest / 2 + 0.5))
