"""The table of the network's layers."""

import warnings

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.model_summary.model_summary import UNKNOWN_SIZE, ModelSummary

from mnist_lightning.checkpoints.runs import say

Row = tuple[str, str, int]  # name, output shape, number of parameters


class LayerTable(Callback):
    """Print layers, output shapes and parameters before training, as Keras's ``summary`` does."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table."""
        for line in format_table(layers(pl_module)):
            say(trainer, line)


def layers(module: LightningModule) -> list[Row]:
    """List the innermost layers with their output shapes and numbers of parameters.

    Shapes need the module's ``example_input_array``; without it only layers with parameters are
    listed.
    """
    with warnings.catch_warnings():  # of megabytes, which are not shown
        warnings.filterwarnings("ignore", message="Precision .* is not supported by the model")
        summary = ModelSummary(module, max_depth=-1)
    names = summary.layer_names
    rows = zip(names, summary.out_sizes, summary.param_nums, strict=True)
    return [
        (name, _format_shape(shape), parameters)
        for name, shape, parameters in rows
        if (parameters or shape != UNKNOWN_SIZE)
        and not any(other.startswith(f"{name}.") for other in names)
    ]


def format_table(rows: list[Row]) -> list[str]:
    """Lay the rows out in three columns, with the sum of the parameters below."""
    total = sum(parameters for _, _, parameters in rows)
    cells = [("Layer", "Output shape", "Parameters")]
    cells += [(name, shape, f"{parameters:,}") for name, shape, parameters in rows]
    cells += [("Total", "", f"{total:,}")]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in cells]
    rule = "-" * len(lines[0])
    return [lines[0], rule, *lines[1:-1], rule, lines[-1]]


def _format_shape(shape: object) -> str:
    return f"({', '.join(['B', *map(str, shape[1:])])})" if isinstance(shape, list) else str(shape)
