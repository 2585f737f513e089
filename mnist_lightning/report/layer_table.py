"""The table of the network's layers."""

import warnings
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.model_summary.model_summary import UNKNOWN_SIZE, ModelSummary

from mnist_lightning.checkpoints.shown import only_shows, same_modes, say


@only_shows
class LayerTable(Callback):
    """Print layers, output shapes and parameters before training, as Keras's ``summary`` does."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the table."""
        say(trainer, format_table(layers(pl_module)))


def layers(module: LightningModule) -> list[tuple[str, str, int]]:
    """List name, output shape, known by ``example_input_array``, and parameters of each layer."""
    with same_modes(module), warnings.catch_warnings():  # of megabytes, which are not shown
        warnings.filterwarnings("ignore", message="Precision .* is not supported by the model")
        summary = ModelSummary(module, max_depth=-1)
    names: list[str] = summary.layer_names
    shapes: list[Any] = summary.out_sizes
    return [
        (name, f"(B, {', '.join(map(str, shape[1:]))})" if isinstance(shape, list) else shape, n)
        for name, shape, n in zip(names, shapes, summary.param_nums, strict=True)
        if (n or shape != UNKNOWN_SIZE) and not any(x.startswith(f"{name}.") for x in names)
    ]


def format_table(rows: list[tuple[str, str, int]]) -> str:
    """Lay the rows out in three columns, with the sum of the parameters below."""
    total = sum(parameters for _, _, parameters in rows)
    counted = [(name, shape, f"{n:,}") for name, shape, n in (*rows, ("Total", "", total))]
    cells = [("Layer", "Output shape", "Parameters"), *counted]
    first, second, third = (max(map(len, column)) for column in zip(*cells, strict=True))
    lines = [f"{a:<{first}}  {b:<{second}}  {c:>{third}}" for a, b, c in cells]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])
