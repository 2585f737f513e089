"""Figures of a run: arrays in, ``Figure`` out."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

COLORS = {"train": "tab:blue", "val": "tab:orange"}
NAMES = {"train": "training", "val": "validation"}
PER_ROW = 3  # as in the original

Columns = Mapping[str, Sequence[float]]


def plot_curve(history: Columns, stage: str, metric: str, ax: Axes | None = None) -> Figure:
    """Draw one curve over the epochs.

    Args:
        history: Column names of ``history.csv`` to one value an epoch.
        stage: ``train`` or ``val``.
        metric: ``loss`` or ``accuracy``.
        ax: Axes to draw on; default: those of a new figure.
    """
    ax = ax or _axes()
    values = history[metric if stage == "train" else f"val_{metric}"]
    ax.plot(history["epoch"], values, "o-", color=COLORS[stage], label=NAMES[stage], markersize=4)
    ax.set(
        xlabel="Epoch", ylabel=metric.capitalize(), title=f"{NAMES[stage]} {metric}".capitalize()
    )
    if metric == "accuracy":
        ax.set_ylim(top=min(ax.get_ylim()[1], 1.01))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.grid(alpha=0.3)
    return _figure(ax)


def plot_curves(history: Columns) -> Figure:
    """Draw loss and accuracy side by side, training and validation together."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for ax, metric in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for stage, prefix in (("train", ""), ("val", "val_")):
            if f"{prefix}{metric}" in history:
                plot_curve(history, stage, metric, ax)
        ax.set_title(metric.capitalize())
        ax.legend()
    return figure


def plot_predictions(
    images: NDArray[np.float32], labels: NDArray[np.int64], predictions: NDArray[np.int64]
) -> Figure:
    """Show images classified correctly, then those classified incorrectly, three a row.

    Args:
        images: (N, H, W), any range.
        labels: (N,) int, the truth.
        predictions: (N,) int, the predictions.
    """
    is_right = labels == predictions
    parts = {"correctly": np.flatnonzero(is_right), "incorrectly": np.flatnonzero(~is_right)}
    parts = {name: index for name, index in parts.items() if len(index)}
    rows = [ceil(len(index) / PER_ROW) for index in parts.values()]
    figure = Figure(figsize=(4.8, 1.75 * sum(rows) + 0.3), layout="constrained")
    panels = figure.subfigures(len(parts), 1, height_ratios=rows, squeeze=False)[:, 0]
    for panel, n, (name, index) in zip(panels, rows, parts.items(), strict=True):
        panel.suptitle(f"Classified {name}", fontweight="bold")
        for ax, i in zip_longest(panel.subplots(n, PER_ROW, squeeze=False).flat, index):
            ax.set_axis_off()
            if i is not None:
                ax.imshow(images[i], cmap="gray")
                ax.set_title(f"predicted {predictions[i]}, true {labels[i]}", fontsize=9)
    return figure


def plot_confusion_matrix(matrix: NDArray[np.int64], ax: Axes | None = None) -> Figure:
    """Draw a confusion matrix with its counts.

    Args:
        matrix: (C, C) int; rows are the truth, columns the predictions.
        ax: Axes to draw on; default: those of a new figure.
    """
    ax = ax or _axes((6.4, 6.0))
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    # the square root lets a handful of mistakes among a thousand still show
    ax.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for (row, column), n in np.ndenumerate(matrix):
        color = "white" if shares[row, column] > 0.3 else "black"
        ax.text(
            column, row, str(n) if n else "·", ha="center", va="center", color=color, fontsize=9
        )
    ticks = range(len(matrix))
    ax.set(xticks=ticks, yticks=ticks, xlabel="Predicted digit", ylabel="True digit")
    ax.set_title("Confusion matrix")
    return _figure(ax)


def _axes(size: tuple[float, float] = (6.4, 4.0)) -> Axes:
    return Figure(figsize=size, layout="constrained").subplots()


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure
