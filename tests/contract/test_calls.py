"""Calls in any order, trainers in turn and several processes do what they do with stock classes."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from command_lines import lines
from lightning.pytorch.callbacks import ModelCheckpoint
from rows import Row, Witness, compare, fit, given, table
from sides import Side
from torch import Tensor
from torch.nn import functional as F

pytestmark = pytest.mark.contract


def plain(module: Any, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Loss and accuracy, computed without Lightning."""
    with torch.no_grad():
        logits = copy.deepcopy(module.net).eval()(images)
    right = (logits.argmax(dim=1) == labels).float().mean()
    return {"loss": F.cross_entropy(logits, labels).item(), "accuracy": right.item()}


def calls(order: str, **options: Any) -> Row:
    """One trainer, module and data through a series of calls; what each gives, and is it true."""

    def row(side: Side) -> list[Any]:
        module, data, trainer = side.module(), side.data(), side.trainer(**options)
        given: list[Any] = []
        for name in order.split():
            result = getattr(trainer, name)(module, datamodule=data)
            if name == "predict":
                given.append(sum(len(batch["digits"]) for batch in result))
            elif result:
                wanted = plain(module, *map(torch.cat, zip(*data.val_dataloader(), strict=True)))
                one = {key.partition("/")[2]: value for key, value in result[0].items()}
                given.append({key: abs(one[key] - wanted[key]) < 1e-4 for key in one})
            given += [sorted(trainer.callback_metrics), trainer.global_step, module.training]
        return given

    return row


def steps(*options: dict[str, Any], anew: str = "") -> Row:
    """Several trainers in turn, with the same module and data, or such as are made anew."""

    def row(side: Side) -> list[Any]:
        module, data = side.module(), side.data()
        given: list[Any] = []
        for each in options:
            module = side.module() if "module" in anew else module
            data = side.data() if "data" in anew else data
            saves = ModelCheckpoint(".", "{step}", every_n_train_steps=1, save_top_k=-1)
            witness, resumed = Witness(), each.get("ckpt_path")
            own = {name: value for name, value in each.items() if name != "ckpt_path"}
            trainer = side.trainer(callbacks=[witness, saves], enable_checkpointing=True, **own)
            trainer.fit(module, datamodule=data, ckpt_path=resumed)
            given += [trainer.global_step, trainer.current_epoch, witness.validations]
            given += [[len(order) for order in witness.orders], sorted(trainer.callback_metrics)]
        return given

    return row


def launched(strategy: str) -> Row:
    def row(side: Side) -> Any:
        command = [sys.executable, str(Path(__file__).with_name("launch.py")), strategy]
        command += ["ours" if side.ours else "stock", str(side.images)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr[-2000:]
        return ran.stdout.splitlines()[-1]

    return row


ROWS: dict[str, Row] = {
    "fit": calls("fit"),
    "validate-fit": calls("validate fit"),
    "fit-validate-test-predict": calls("fit validate test predict"),
    "predict-test-validate-fit": calls("predict test validate fit"),
    "test-fit-test": calls("test fit test"),
    "fit-fit": calls("fit fit"),
    "validate-without-inference-mode": calls("validate fit", inference_mode=False),
    "barebones-fit-test": calls("fit test", barebones=True),
    "second-trainer": steps({}, {}),
    "second-trainer-module-anew": steps({}, {}, anew="module"),
    "second-trainer-data-anew": steps({}, {}, anew="data"),
    "stopped-within-epoch-then-again": steps({"max_steps": 2}, {}),
    "resume-epoch": steps({}, {"ckpt_path": "step=4.ckpt", "max_epochs": 3}, anew="module data"),
    "resume-within-epoch": steps({}, {"ckpt_path": "step=6.ckpt", "max_epochs": 3}, anew="module"),
    "resume-max-steps": steps({"max_steps": 3}, {"ckpt_path": "step=3.ckpt"}, anew="module data"),
    "resume-done": steps({}, {"ckpt_path": "step=8.ckpt"}),
    "resume-missing": steps({"ckpt_path": "none.ckpt"}),
    "launch-ddp": launched("ddp"),
    "launch-notebook": launched("ddp_notebook"),
    "launch-fork": launched("ddp_fork"),
    "launch-spawn": launched("ddp_spawn"),
    "main-fit": lines("fit"),
    "main-fit-test": lines("fit", "test"),
    "main-fit-validate-predict": lines("fit", "validate", "predict"),
    "main-resume": lines("fit", "fit --trainer.max_epochs 3"),
    **{
        f"{name}-{part}": given(row, **{part: True})
        for part in ("net", "folder")
        for name, row in {
            "all-calls": calls("validate fit test predict"),
            "fit": fit(enable_checkpointing=True),
            "resume": steps({}, {"ckpt_path": "step=4.ckpt", "max_epochs": 3}, anew="module data"),
        }.items()
    },
}
SAMPLE = """validate-fit fit-validate-test-predict resume-within-epoch
main-fit-test fit-net fit-folder"""


@pytest.mark.parametrize("row", table(ROWS, SAMPLE))
def test_as_with_stock_classes(row: Row, images: Path, tmp_path: Path) -> None:
    compare(row, images, tmp_path)
