"""Figures: arrays in, ``Figure`` out."""

from collections.abc import Mapping, Sequence
from math import ceil

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mnist_lightning.data.source import noun_of
from mnist_lightning.report.predictions import Array
from mnist_lightning.report.scores import describe_pair, wilson_interval

STAGES = {"": ("training", "tab:blue"), "val_": ("validation", "tab:orange")}  # by their columns
METRICS = ("loss", "accuracy")
NONE = "No mistakes"
PER_ROW = 3  # as in the original
WIDTH, GAP = 7.2, 0.1  # of a figure of tiles in inches; between tiles, of their height

Columns = Mapping[str, Sequence[float]]  # of history.csv: one value an epoch


def plot_curves(
    columns: Columns, metrics: Sequence[str] = METRICS, stages: Sequence[str] = tuple(STAGES)
) -> Figure:
    """Draw metrics over the epochs side by side, the stages, by their prefixes, together."""
    figure = Figure(figsize=(10 if len(metrics) > 1 else 6.4, 4), layout="constrained")
    for ax, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        for stage in stages:
            label, color = STAGES[stage]
            if (values := columns.get(f"{stage}{metric}")) is not None:  # of no epoch: empty
                ax.plot(columns["epoch"], values, "o-", color=color, label=label, markersize=4)
        if len(stages) > 1 and ax.lines:
            ax.legend()
        title = metric if len(stages) > 1 else f"{label} {metric}"
        ax.set(xlabel="Epoch", ylabel=metric.capitalize(), title=title.capitalize())
        if metric == "accuracy":
            ax.set_ylim(top=min(ax.get_ylim()[1], 1.01))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.grid(alpha=0.3)
    return figure


def plot_predictions(images: Array, labels: Array, predictions: Array) -> Figure:
    """Show images (N, H, W), classified correctly, then incorrectly; labels (N,) are the truth."""
    titles = _pairs(labels, predictions)
    parts = {"correctly": labels == predictions, "incorrectly": labels != predictions}
    parts = {name: np.flatnonzero(chosen) for name, chosen in parts.items() if chosen.any()}
    rows = [ceil(len(index) / PER_ROW) for index in parts.values()]
    height = 1.75 if _gap(labels) == " " else 1.95
    figure = Figure(figsize=(4.8, height * sum(rows) + 0.3), layout="constrained")
    axes = figure.subplots(len(parts), 1, height_ratios=rows, squeeze=False)[:, 0]
    for ax, (name, index) in zip(axes, parts.items(), strict=True):
        plot_tiles(images[index], [titles[i] for i in index], PER_ROW, f"Classified {name}", ax)
    return figure


def plot_confusion_matrix(matrix: Array, classes: Sequence[int | str]) -> Figure:
    """Draw a confusion matrix, (C, C) int, with its counts; rows are the truth."""
    side = max(4.8, len(classes) / 3)  # the least can be read on a phone
    figure = Figure(figsize=(side + 0.4, side), layout="constrained")
    ax = figure.subplots()
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    # the square root lets a handful of mistakes among a thousand still show
    ax.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for (row, column), n in np.ndenumerate(matrix):
        color = "white" if shares[row, column] > 0.3 else "black"
        ax.text(column, row, str(n or "·"), ha="center", va="center", color=color, fontsize=9)
    noun, names = noun_of(classes), list(map(str, classes))
    ax.set(xlabel=f"Predicted {noun}", ylabel=f"True {noun}", title="Confusion matrix")
    ax.set_xticks(range(len(matrix)), names, rotation=90 if _gap(classes) == "\n" else 0)
    ax.set_yticks(range(len(matrix)), names)
    return figure


def plot_mistakes(images: Array, labels: Array, predictions: Array, losses: Array) -> Figure:
    """Show images (N, H, W) with truth, prediction and loss, (N,) each; six a row."""
    pairs = zip(_pairs(labels, predictions), losses, strict=True)
    titles = [f"{pair}\nloss {loss:.2f}" for pair, loss in pairs]
    return plot_tiles(images, titles, 6, "Mistakes with the highest loss" if titles else NONE)


def plot_saliency(images: Array, gradients: Array, labels: Array, predictions: Array) -> Figure:
    """Show mistakes beside gradients, (N, H, W), above 0 where ink speaks for the prediction."""
    ink = images - images.min(axis=(1, 2), keepdims=True)
    ink /= np.maximum(ink.max(axis=(1, 2), keepdims=True), 1e-12)
    speaks = _signed(gradients, (1, 2))
    speaks[..., :3] *= 1 - ink[..., np.newaxis] / 4  # the digit's shadow
    tiles = np.concatenate([colormaps["gray"](ink), speaks], axis=2)
    titles = _pairs(labels, predictions)
    title = "Saliency: where more ink speaks for the prediction (red) or for the truth (blue)"
    return plot_tiles(tiles, titles, 3, title if titles else NONE)


def plot_filters(filters: Array) -> Figure:
    """Show filters, (N, H, W) float, eight a row; red is above 0, blue below."""
    largest = np.abs(filters).max(initial=1e-12)
    title = f"Filters of the first layer, {-largest:.2f} (blue) to {largest:.2f} (red)"
    return plot_tiles(_signed(filters), [""] * len(filters), 8, title)


def plot_reliability(bins: Array, error: float) -> Figure:
    """Compare confidence with accuracy: rows of count, confidence and accuracy, (B, 3) float."""
    counts, confidences, accuracies = bins.T
    figure = Figure(figsize=(5.6, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot([0, 1], [0, 1], "--", color="gray", label="as sure as right")
    right = (counts * accuracies).round()
    intervals = np.array([wilson_interval(*each) for each in zip(right, counts, strict=True)])
    reach = np.abs(intervals.T - accuracies)
    label = "predictions, with 95 % intervals"
    above.errorbar(confidences, accuracies, reach, fmt="o", color="tab:blue", label=label)
    above.set(ylabel="Share that is right", title=f"Reliability, calibration error {error:.4f}")
    above.yaxis.set_major_formatter(PercentFormatter(1))
    above.legend(loc="lower right")
    below.bar(confidences, counts, width=0.02, color="tab:blue", log=True)
    below.set(xlabel="Probability of the prediction", ylabel="Images")
    below.set_ylim(bottom=0.5)  # so that one image shows
    below.xaxis.set_major_formatter(PercentFormatter(1))
    for ax in (above, below):
        ax.grid(alpha=0.3)
    return figure


def plot_tiles(
    tiles: Array, titles: Sequence[str], per_row: int, title: str, ax: Axes | None = None
) -> Figure:
    """Lay out images, (N, H, W), shown from darkest to brightest, or (N, H, W, 4) RGBA.

    One pair of axes draws faster than one each. The titles have equally many lines.
    """
    width = tiles.shape[2] / tiles.shape[1]  # of a tile, whose height is 1
    head = 0.06 + 0.17 * (titles[0].count("\n") + 1 if titles and titles[0] else 0)  # with its gap
    across = per_row * (width + GAP) - GAP
    size = max(ceil(len(tiles) / per_row), 1) * (1 + GAP + head)
    inches = (WIDTH, size * WIDTH / across + 0.3)
    ax = ax or Figure(figsize=inches, layout="constrained").subplots()
    for i, (tile, text) in enumerate(zip(tiles, titles, strict=True)):
        x, y = i % per_row * (width + GAP), i // per_row * (1 + GAP + head)
        ax.imshow(tile, cmap="gray", extent=(x, x + width, y + 1, y), interpolation="nearest")
        ax.text(x + width / 2, y - GAP / 3, text, ha="center", va="bottom", fontsize=8)
    ax.set(xlim=(0, across), ylim=(size - head, -head))
    ax.set_axis_off()
    ax.set_title(title, fontsize=11)
    assert isinstance(ax.figure, Figure)
    return ax.figure


def _pairs(labels: Array, predictions: Array) -> list[str]:
    gap = _gap(labels)
    return [describe_pair(*pair, gap) for pair in zip(labels, predictions, strict=True)]


def _gap(names: Array | Sequence[int | str]) -> str:
    """What parts two names in a title: long ones have a line each."""
    return "\n" if any(len(str(name)) > 3 for name in names) else " "


def _signed(values: Array, axis: tuple[int, ...] | None = None) -> Array:
    """Color numbers, blue below 0, white, red above, by the largest on axes: (..., 4) RGBA."""
    largest = np.abs(values).max(axis=axis, initial=1e-12, keepdims=True)
    return np.asarray(colormaps["bwr"](values / largest / 2 + 0.5))
