"""Figures of a test: arrays in, ``Figure`` out."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

WIDTH = 7.2  # inches
GAP, LINE = 0.14, 0.17  # between tiles, and of a line of text; of a tile's height
SPEAKS = "bwr"  # blue below 0, white, red above

Array = NDArray[Any]


def plot_mistakes(images: Array, labels: Array, predictions: Array, probabilities: Array) -> Figure:
    """Show images classified incorrectly, six a row, with truth, prediction and its probability.

    Args:
        images: (N, H, W), any range.
        labels: (N,) int, the truth.
        predictions: (N,) int, the predictions.
        probabilities: (N,) float, of the predictions, [0, 1].
    """
    each = zip(labels, predictions, probabilities, strict=True)
    titles = [f"{label} taken for {digit}\n{chance:.1%}" for label, digit, chance in each]
    tiles = matplotlib.colormaps["gray"](_stretched(images))
    return _plot_tiles(tiles, titles, 6, "Mistakes with the highest loss")


def plot_attention(images: Array, gradients: Array, labels: Array, predictions: Array) -> Figure:
    """Show what spoke for each mistake, beside its image, three a row.

    Args:
        images: (N, H, W), any range.
        gradients: (N, H, W) float; above 0 where ink speaks for the prediction, below 0 where it
            speaks for the truth.
        labels: (N,) int, the truth.
        predictions: (N,) int, the predictions.
    """
    titles = [
        f"{label} taken for {digit}" for label, digit in zip(labels, predictions, strict=True)
    ]
    ink = matplotlib.colormaps["gray"](_stretched(images))
    largest = np.abs(gradients).max(axis=(1, 2), keepdims=True, initial=1e-12)
    speaks = matplotlib.colormaps[SPEAKS](gradients / largest / 2 + 0.5)
    speaks[..., :3] *= 1 - ink[..., :3] / 4  # the digit's shadow
    tiles = np.concatenate([ink, speaks], axis=2)
    title = "Where more ink speaks for the prediction (red) or for the truth (blue)"
    return _plot_tiles(tiles, titles, 3, title)


def plot_filters(filters: Array) -> Figure:
    """Show filters, (N, H, W) float, eight a row; red is above 0, blue below."""
    largest = np.abs(filters).max(initial=1e-12)
    tiles = matplotlib.colormaps[SPEAKS](filters / largest / 2 + 0.5)
    title = f"Filters of the first layer, {-largest:.2f} (blue) to {largest:.2f} (red)"
    return _plot_tiles(tiles, [""] * len(tiles), 8, title)


def plot_reliability(counts: Array, confidences: Array, accuracies: Array, error: float) -> Figure:
    """Compare how sure the network is with how often it is right.

    Args:
        counts: (B,) int, predictions in each bin of confidence.
        confidences: (B,) float, their mean probability, [0, 1].
        accuracies: (B,) float, the share that is right, [0, 1].
        error: Expected calibration error.
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


def _plot_tiles(tiles: Array, titles: Sequence[str], per_row: int, title: str) -> Figure:
    """Lay out tiles, (N, H, W, 4) RGBA; on one pair of axes, which draws faster than one each."""
    width = tiles.shape[2] / tiles.shape[1]  # of a tile, whose height is 1
    lines = max((text.count("\n") + 1 for text in titles if text), default=0)
    across, down = per_row * (width + GAP) - GAP, 1 + GAP + lines * LINE
    rows = max(ceil(len(tiles) / per_row), 1)
    top, bottom = -lines * LINE - GAP / 3, (rows - 1) * down + 1
    size = WIDTH, (bottom - top) * WIDTH / across + 0.3
    figure = Figure(figsize=size, layout="constrained")
    ax = figure.subplots()
    for i, (tile, text) in enumerate(zip(tiles, titles, strict=True)):
        x, y = i % per_row * (width + GAP), i // per_row * down
        ax.imshow(tile, extent=(x, x + width, y + 1, y), interpolation="nearest")
        ax.text(x + width / 2, y - GAP / 3, text, ha="center", va="bottom", fontsize=8)
    ax.set(xlim=(0, across), ylim=(bottom + 0.02, top))
    ax.set_axis_off()
    ax.set_title(title if len(tiles) else "No mistakes", fontsize=11)
    return figure


def _stretched(images: Array) -> Array:
    """Bring each image to [0, 1]."""
    low = images.min(axis=(1, 2), keepdims=True)
    high = images.max(axis=(1, 2), keepdims=True)
    stretched: Array = (images - low) / np.maximum(high - low, 1e-12)
    return stretched
