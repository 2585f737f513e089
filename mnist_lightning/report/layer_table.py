"""The table of the network's layers."""

import warnings
from collections.abc import Iterable

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.model_summary.model_summary import UNKNOWN_SIZE, ModelSummary

from mnist_lightning.checkpoints.run_folder import say

Row = tuple[str, str, int]


class LayerTable(Callback):
    """Print layers, output shapes and parameters before training, as Keras's ``summary`` does."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table."""
        for line in format_table(layers(pl_module)):
            say(trainer, line)


def layers(module: LightningModule) -> list[Row]:
    """Name, output shape and number of parameters of each innermost layer.

    Shapes need the module's ``example_input_array``; without it only layers with parameters are
    listed.
    """
    with warnings.catch_warnings():  # of megabytes, which are not shown
        warnings.filterwarnings("ignore", message="Precision .* is not supported by the model")
        summary = ModelSummary(module, max_depth=-1)
    names = summary.layer_names
    rows = []
    for name, shape, parameters in zip(names, summary.out_sizes, summary.param_nums, strict=True):
        innermost = not any(other.startswith(f"{name}.") for other in names)
        if innermost and (parameters or shape != UNKNOWN_SIZE):
            rows.append((name, _format_shape(shape), parameters))
    return rows


def format_table(rows: Iterable[Row]) -> list[str]:
    """Lay the rows out in three columns, with the sum of the parameters below."""
    rows = list(rows)
    total = sum(parameters for _, _, parameters in rows)
    cells = [("Layer", "Output shape", "Parameters")]
    cells += [(name, shape, f"{parameters:,}") for name, shape, parameters in rows]
    cells += [("Total", "", f"{total:,}")]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in cells]
    rule = "-" * len(lines[0])
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]


def _format_shape(shape: object) -> str:
    if not isinstance(shape, list):
        return str(shape)
    return "(" + ", ".join(["B", *map(str, shape[1:])]) + ")"
