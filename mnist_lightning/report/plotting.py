"""Figures of a run: arrays in, ``Figure`` out."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

NAMES = {"train": "training", "val": "validation"}
COLORS = {"train": "tab:blue", "val": "tab:orange"}
PER_ROW = 3  # as in the original
WIDTH, GAP = 7.2, 0.1  # of a figure of tiles in inches; between tiles, of their height

Columns = Mapping[str, Sequence[float]]  # of history.csv: one value an epoch
Array = NDArray[Any]


def plot_curve(columns: Columns, stage: str, metric: str, ax: Axes | None = None) -> Figure:
    """Draw ``loss`` or ``accuracy`` of a stage, ``train`` or ``val``, over the epochs."""
    ax = ax or _axes((6.4, 4.0))
    values = columns[metric if stage == "train" else f"val_{metric}"]
    ax.plot(columns["epoch"], values, "o-", color=COLORS[stage], label=NAMES[stage], markersize=4)
    title = f"{NAMES[stage]} {metric}".capitalize()
    ax.set(xlabel="Epoch", ylabel=metric.capitalize(), title=title)
    if metric == "accuracy":
        ax.set_ylim(top=min(ax.get_ylim()[1], 1.01))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    ax.grid(alpha=0.3)
    return _figure(ax)


def plot_curves(columns: Columns) -> Figure:
    """Draw loss and accuracy side by side, training and validation together."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for ax, metric in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for stage, prefix in (("train", ""), ("val", "val_")):
            if f"{prefix}{metric}" in columns:
                plot_curve(columns, stage, metric, ax)
        ax.set_title(metric.capitalize())
        ax.legend()
    return figure


def plot_predictions(images: Array, labels: Array, predictions: Array) -> Figure:
    """Show images (N, H, W), classified correctly, then incorrectly; labels (N,) are the truth."""
    titles = [f"predicted {p}, true {t}" for p, t in zip(predictions, labels, strict=True)]
    is_right = labels == predictions
    parts = {"correctly": np.flatnonzero(is_right), "incorrectly": np.flatnonzero(~is_right)}
    parts = {name: index for name, index in parts.items() if len(index)}
    rows = [ceil(len(index) / PER_ROW) for index in parts.values()]
    figure = Figure(figsize=(4.8, 1.75 * sum(rows) + 0.3), layout="constrained")
    axes = figure.subplots(len(parts), 1, height_ratios=rows, squeeze=False)[:, 0]
    for ax, (name, index) in zip(axes, parts.items(), strict=True):
        plot_tiles(images[index], [titles[i] for i in index], PER_ROW, f"Classified {name}", ax)
    return figure


def plot_confusion_matrix(matrix: Array, ax: Axes | None = None) -> Figure:
    """Draw a confusion matrix, (C, C) int, with its counts; rows are the truth."""
    ax = ax or _axes((6.4, 6.0))
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    # the square root lets a handful of mistakes among a thousand still show
    ax.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for (row, column), n in np.ndenumerate(matrix):
        color = "white" if shares[row, column] > 0.3 else "black"
        ax.text(column, row, str(n or "·"), ha="center", va="center", color=color, fontsize=9)
    ticks = range(len(matrix))
    ax.set(xticks=ticks, yticks=ticks, xlabel="Predicted digit", ylabel="True digit")
    ax.set_title("Confusion matrix")
    return _figure(ax)


def plot_tiles(
    tiles: Array, titles: Sequence[str], per_row: int, title: str, ax: Axes | None = None
) -> Figure:
    """Lay out images on one pair of axes, which draws faster than one pair each.

    Args:
        tiles: (N, H, W), shown from its darkest to its brightest, or (N, H, W, 4) RGBA.
        titles: Of each tile; of equally many lines.
        per_row: Tiles in a row.
        title: Of the figure.
        ax: Axes to draw on; default: those of a new figure.
    """
    width = tiles.shape[2] / tiles.shape[1]  # of a tile, whose height is 1
    head = 0.06 + 0.17 * (titles[0].count("\n") + 1 if titles and titles[0] else 0)  # with its gap
    across, rows = per_row * (width + GAP) - GAP, max(ceil(len(tiles) / per_row), 1)
    size = rows * (1 + GAP + head)
    ax = ax or _axes((WIDTH, size * WIDTH / across + 0.3))
    for i, (tile, text) in enumerate(zip(tiles, titles, strict=True)):
        x, y = i % per_row * (width + GAP), i // per_row * (1 + GAP + head)
        ax.imshow(tile, cmap="gray", extent=(x, x + width, y + 1, y), interpolation="nearest")
        ax.text(x + width / 2, y - GAP / 3, text, ha="center", va="bottom", fontsize=8)
    ax.set(xlim=(0, across), ylim=(size - head, -head))
    ax.set_axis_off()
    ax.set_title(title, fontsize=11)
    return _figure(ax)


def _axes(size: tuple[float, float]) -> Axes:
    return Figure(figsize=size, layout="constrained").subplots()


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure
