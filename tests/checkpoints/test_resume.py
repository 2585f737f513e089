"""A run that was interrupted anywhere ends as if it never had been."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import refused
from runs import RECIPES, command, outcome, same

from mnist_lightning.__main__ import main
from mnist_lightning.checkpoints.signals import STOPS, Stopped, restore_handlers
from mnist_lightning.report.history import History


class PowerCutError(Exception):
    """What a hook raises in place of a power cut."""


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


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each recipe that nothing interrupts."""
    folders = {recipe: tmp_path_factory.mktemp(recipe) for recipe in RECIPES}
    for recipe, folder in folders.items():
        with chdir(folder):
            main(command(recipe))
    return {recipe: folder / run(0) for recipe, folder in folders.items()}


def test_what_tensorboard_shows_changes_nothing(workdir: Path, wholes: dict[str, Path]) -> None:
    """Neither a run, of dropout and batch normalisation, nor one that goes on."""
    full = [*command("accurate"), "--tensorboard.level", "full"]
    with at_call("on_train_batch_start", 7, power_cut), pytest.raises(PowerCutError):
        main(full)
    main([*full, "--ckpt_path", "last"])
    assert same(outcome(wholes["accurate"]), outcome(run(1)))


def power_cut() -> None:
    raise PowerCutError


def run(version: int) -> Path:
    return Path("logs", "synthetic", f"version_{version}")


@pytest.mark.parametrize(
    ("recipe", "hook", "count"),
    [
        *((recipe, "on_train_batch_start", 3) for recipe in RECIPES),
        ("accurate", "on_train_epoch_start", 1),
        ("accurate", "on_validation_start", 1),
    ],
)
def test_cut_off_and_resumed_a_run_ends_the_same(
    workdir: Path, wholes: dict[str, Path], recipe: str, hook: str, count: int
) -> None:
    with at_call(hook, count, power_cut), pytest.raises(PowerCutError):
        main(command(recipe))
    main([*command(recipe), "--ckpt_path", "last"])
    assert same(outcome(wholes[recipe]), outcome(run(1)))


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
    wholes: dict[str, Path],
    number: signal.Signals,
    hook: str,
    count: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = signal.getsignal(number)
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
    assert same(outcome(wholes["accurate"]), outcome(run(1)))


@pytest.mark.parametrize("recipe", ["default", "accumulated"])
@pytest.mark.parametrize("steps", [2, 4, 5])
def test_stopped_by_max_steps_and_resumed_further_a_run_ends_the_same(
    workdir: Path, recipe: str, steps: int
) -> None:
    for more in (["7"], [str(steps)], ["7", "--ckpt_path", "last"]):
        main([*command(recipe), "--trainer.max_steps", *more])
    assert same(outcome(run(0)), outcome(run(2)))


@pytest.mark.parametrize("as_program", [True, False])
def test_a_signal_when_it_ends_is_not_handled(
    as_program: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(args: list[str] | None) -> None:
        raise Stopped(signal.SIGINT)

    monkeypatch.setattr("mnist_lightning.cli.program.run", stopped)
    before = {number: signal.getsignal(number) for number in STOPS}
    with pytest.raises(SystemExit):
        main(None if as_program else [])
    after = {number: signal.getsignal(number) for number in STOPS}
    restore_handlers(before)
    assert after == (dict.fromkeys(STOPS, signal.SIG_DFL) if as_program else before)


def test_a_second_signal_stops_at_once(workdir: Path) -> None:
    def twice() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)

    with at_call("on_train_batch_start", 2, twice), pytest.raises(SystemExit) as caught:
        main(command("default"))
    assert caught.value.code == 143
    kept = torch.load("logs/synthetic/version_0/checkpoints/last.ckpt", weights_only=True)
    assert kept["global_step"] == 2, "the third step was not finished"


def test_a_run_that_is_done_is_not_trained_again(workdir: Path, wholes: dict[str, Path]) -> None:
    main([*command("default"), "--ckpt_path", f"{wholes['default']}/checkpoints/last.ckpt"])
    assert same(outcome(wholes["default"]), outcome(run(0)))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("trainer.accumulate_grad_batches", "2"),
        ("trainer.gradient_clip_val", "0.5"),
        ("trainer.limit_train_batches", "2"),
        ("trainer.precision", "bf16-mixed"),
        ("data.batch_size", "10"),
        ("data.shift", "1.0"),
        ("model.dropout", "0.1"),
        ("seed_everything", "1"),
    ],
)
def test_what_would_give_another_result_is_refused(
    workdir: Path,
    wholes: dict[str, Path],
    option: str,
    value: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    more = ["--ckpt_path", f"{wholes['default']}/checkpoints/last.ckpt", f"--{option}", value]
    error = refused([*command("default"), *more], capsys)
    assert f"{option} is {value}, but the checkpoint was made with" in error
    assert not list(workdir.iterdir())
