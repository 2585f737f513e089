"""What a row asks of a side, and how the two are compared."""

import contextlib
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Callback, Trainer
from sides import Side

Facts = dict[str, Any]
Row = Callable[[Side], Any]


def table(rows: Mapping[str, Row], sample: str) -> list[Any]:
    """Parameters of a test, one a row; those not in the sample run with ``-m contract`` alone."""
    unknown = set(sample.split()) - rows.keys()
    assert not unknown, f"no such rows: {unknown}"
    parameters = []
    for name, row in rows.items():
        marks = [] if name in sample.split() else [pytest.mark.slow]
        parameters.append(pytest.param(row, id=name, marks=marks))
    return parameters


def compare(row: Row, images: Path, folder: Path) -> None:
    """Ask both sides; ours must come to what the control comes to, and warn of nothing else."""
    control, expected = observe(row, Side(False, images), folder / "stock")
    ours, given = observe(row, Side(True, images), folder / "ours")
    if isinstance(ours, dict) and isinstance(control, dict):  # show only what differs
        names = {name for name in ours | control if ours.get(name) != control.get(name)}
        ours, control = ({name: side.get(name) for name in names} for side in (ours, control))
    assert ours == control
    assert not given - expected, "warnings that the control does not give"


def observe(row: Row, side: Side, folder: Path) -> tuple[Any, set[str]]:
    """What a side comes to in a folder of its own, or its error, and what it warns of."""
    folder.mkdir()
    with contextlib.chdir(folder), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # torch.jit.trace reads each property of a module, and the control has no torchmetrics
        warnings.filterwarnings("ignore", message="This property will be removed in 2.0.0")
        try:
            outcome = row(side)
        except Exception as error:
            outcome = f"{type(error).__name__}: {' '.join(str(error).split()[:4])}"
    kinds = (re.sub(r"\S*/\S*", "PATH", str(each.message)) for each in caught)
    return outcome, {re.sub("[^A-Za-z ]", "", kind)[:60] for kind in kinds}


class Witness(Callback):
    """Notes what the loops do."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.orders: list[list[int]] = []  # labels by epoch
        self.loaders: list[Any] = []
        self.validations = 0

    def on_train_epoch_start(self, trainer: Trainer, *_: Any) -> None:
        self.orders.append([])
        if not any(each is trainer.train_dataloader for each in self.loaders):
            self.loaders.append(trainer.train_dataloader)

    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        _, outputs, (_, labels), _ = args
        self.losses.append(float(outputs["loss"]))
        self.orders = self.orders or [[]]  # resumed within an epoch, which does not start again
        self.orders[-1] += labels.tolist()

    def on_validation_end(self, trainer: Trainer, *_: Any) -> None:
        self.validations += not trainer.sanity_checking


def fit(*, drop: str = "", made: Callable[[], Facts] = dict, **options: Any) -> Row:
    """A row that fits.

    Args:
        drop: Facts, by their names in one string, in which the sides may differ.
        made: Returns options of the trainer that each side needs anew: callbacks, logger.
        options: Other options of the trainer.
    """

    def row(side: Side) -> Facts:
        witness, module, new = Witness(), side.module(), made()
        before = {name: weight.clone() for name, weight in module.named_parameters()}
        callbacks = [*new.pop("callbacks", []), witness]
        trainer = side.trainer(callbacks=callbacks, **options, **new)
        trainer.fit(module, datamodule=side.data())
        facts = {**came_to(trainer, module, witness, before), **kept(side)}
        return {name: fact for name, fact in facts.items() if name not in drop.split()}

    return row


def given(row: Row, net: bool = False, folder: bool = False) -> Row:
    """A row in which our side has parts of the user's own, as Side names them."""
    return lambda side: row(replace(side, net=net, folder=folder))


def came_to(trainer: Trainer, module: Any, witness: Witness, before: Facts) -> Facts:
    """The facts of a fit that do not depend on the numbers."""
    losses, half = witness.losses, len(witness.losses) // 2
    metrics, weights = trainer.callback_metrics, dict(module.named_parameters())
    return {
        "steps": trainer.global_step,
        "epochs": trainer.current_epoch,
        "validations": witness.validations,
        "loaders": len(witness.loaders),
        "images": [len(order) for order in witness.orders],
        "whole": [sorted(order) == sorted(witness.orders[0]) for order in witness.orders],
        "orders": len({tuple(order) for order in witness.orders}),
        "falls": half > 0 and sum(losses[half:]) / (len(losses) - half) < sum(losses[:half]) / half,
        "small": bool(losses) and losses[-1] < 0.1,
        "metrics": sorted(metrics),
        "finite": all(bool(value.isfinite()) for value in metrics.values()),
        "moved": [name for name in weights if not torch.equal(weights[name].float(), before[name])],
        "trains": [name for name in weights if weights[name].requires_grad],
        "dtypes": {str(weight.dtype) for weight in weights.values()},
        "lr": [
            round(float(group["lr"]), 6)
            for each in trainer.optimizers
            for group in each.param_groups
        ],
    }


def kept(side: Side) -> Facts:
    """The files of a run; each checkpoint among them must open."""
    files = sorted(Path().rglob("*.ckpt"))
    tables = [sorted(file.read_text().split()[0].split(",")) for file in Path().rglob("*.csv")]
    return {
        "files": sorted({re.sub("[0-9]+", "#", str(file)) for file in Path().rglob("*.*")}),
        "tables": tables,
        "checkpoints": [file.name for file in files],
        "open": [type(side.load(file)) is type(side.module()) for file in files],
        "states": [
            len(torch.load(file, weights_only=True).get("optimizer_states", [])) for file in files
        ],
    }
