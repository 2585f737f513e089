"""A run that was interrupted anywhere ends as if it never had been."""

import csv
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TINY, refused

from mnist_lightning.__main__ import main
from mnist_lightning.callbacks import History

ACCURATE = str(Path(__file__).parents[1] / "configs" / "accurate.yaml")
RECIPES = {
    "default": [],
    "accurate": ["--config", ACCURATE],  # dropout, augmentation, one cycle, averaged weights
    "accumulated": ["--trainer.accumulate_grad_batches", "2"],
    "steps": ["--trainer.max_steps", "7", "--trainer.limit_train_batches", "3"],
}


class PowerCutError(Exception):
    """What a hook raises in place of a power cut."""


def command(recipe: str) -> list[str]:
    """Three epochs of 5 batches, each step saved."""
    sizes = ["--data.batch_size", "20", "--trainer.max_epochs", "3"]
    saves = ["--checkpoint.every_n_train_steps", "1", "--report.figures", "false"]
    return ["fit", *RECIPES[recipe], *TINY, *sizes, *saves]


@contextmanager
def at_call(hook: str, count: int, what: Callable[[], Any]) -> Iterator[None]:
    """Do something at a call of a hook, counted from 0."""
    calls, original = iter(range(1000)), getattr(History, hook)

    def hooked(*args: Any) -> None:
        if next(calls) == count:
            what()
        original(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(History, hook, hooked)
        yield


def power_cut() -> None:
    raise PowerCutError


def outcome(version: int) -> dict[str, Any]:
    """What a run came to: weights, optimiser, schedule and rows, but for wall times."""
    run = Path("logs", "synthetic", f"version_{version}")
    kept = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    parts = {name: kept[name] for name in ("state_dict", "optimizer_states", "lr_schedulers")}
    with (run / "history.csv").open() as file:
        parts["rows"] = [{**row, "seconds": ""} for row in csv.DictReader(file)]
    return parts


def same(one: Any, other: Any) -> bool:
    """Tell whether two nests of tensors and plain values are the same, bit for bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else bool(one == other)


@pytest.mark.parametrize("recipe", RECIPES)
def test_cut_off_and_resumed_a_run_ends_the_same(workdir: Path, recipe: str) -> None:
    main(command(recipe))
    cuts = [("on_train_batch_start", 3), ("on_train_epoch_start", 1), ("on_validation_start", 1)]
    for hook, count in cuts:
        with at_call(hook, count, power_cut), pytest.raises(PowerCutError):
            main(command(recipe))
        main([*command(recipe), "--ckpt_path", "last"])
        version = 2 * cuts.index((hook, count)) + 2
        assert same(outcome(0), outcome(version)), f"{hook} {count}"


@pytest.mark.parametrize(
    ("number", "hook", "count"),
    [
        (signal.SIGTERM, "on_train_batch_start", 2),
        (signal.SIGINT, "on_train_batch_start", 4),
        (signal.SIGINT, "on_validation_start", 2),
    ],
)
def test_a_signal_ends_the_step_and_saves(
    workdir: Path,
    number: signal.Signals,
    hook: str,
    count: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(command("accurate"))
    before = signal.getsignal(number)
    capsys.readouterr()
    with (
        at_call(hook, count, lambda: os.kill(os.getpid(), number)),
        pytest.raises(SystemExit) as caught,
    ):
        main(command("accurate"))
    assert caught.value.code == 128 + number
    error = capsys.readouterr().err
    assert error.startswith(f"mnist-lightning: stopped by {number.name} in epoch ")
    assert error.count("\n") == 1
    assert signal.getsignal(number) == before
    main([*command("accurate"), "--ckpt_path", "last"])
    assert same(outcome(0), outcome(2))


def test_a_second_signal_stops_at_once(workdir: Path) -> None:
    def twice() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)

    with at_call("on_train_batch_start", 2, twice), pytest.raises(SystemExit) as caught:
        main(command("default"))
    assert caught.value.code == 143
    kept = torch.load("logs/synthetic/version_0/checkpoints/last.ckpt", weights_only=True)
    assert kept["global_step"] == 2, "the third step was not finished"


def test_a_run_that_is_done_is_not_trained_again(workdir: Path) -> None:
    main(command("default"))
    main([*command("default"), "--ckpt_path", "last"])
    assert same(outcome(0), outcome(1))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("trainer.accumulate_grad_batches", "2"),
        ("trainer.gradient_clip_val", "1"),
        ("trainer.limit_train_batches", "2"),
        ("trainer.precision", "bf16-mixed"),
        ("data.batch_size", "10"),
        ("data.shift", "1.0"),
        ("model.dropout", "0.1"),
        ("seed_everything", "1"),
    ],
)
def test_what_would_give_another_result_is_refused(
    workdir: Path, option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(command("default"))
    more = ["--ckpt_path", "last", f"--{option}", value]
    error = refused([*command("default"), *more], capsys)
    assert f"{option} is {value}, but the checkpoint was made with" in error
    assert not Path("logs/synthetic/version_1").exists()
