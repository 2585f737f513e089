"""Runs that are killed, and go on as if nothing had been."""

import random
import signal
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import pytest
from conftest import Tally
from processes import end, signal_at, start
from runs import RECIPES, command, outcome, same

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
SEED = 0
RUN_SECONDS = 0.7  # about what one of these runs takes; a kill may come after the end
HISTORY = "mnist_lightning.report.history:History"
PLACES = {
    "at an epoch's start": (HISTORY, "on_train_epoch_start", 3),
    "in training": (HISTORY, "on_train_batch_start", 12),
    "in validation": (HISTORY, "on_validation_start", 3),
    "in a save, before it is flushed": ("os", "fsync", 20),
    "in a save, between its renames": ("os", "replace", 40),
    "at the end": (HISTORY, "on_train_end", 1),
}


@pytest.fixture(scope="module")
def wholes(tmp_path_factory: pytest.TempPathFactory, full: bool) -> dict[str, Path]:
    """A run of each recipe that is tried, which nothing interrupts."""
    recipes = RECIPES if full else ["accurate"]
    folders = {recipe: tmp_path_factory.mktemp(recipe) for recipe in recipes}
    processes = [start(folder, command(recipe)) for recipe, folder in folders.items()]
    assert [end(process) for process in processes] == [0] * len(recipes)
    return {recipe: newest(folder) for recipe, folder in folders.items()}


def newest(folder: Path) -> Path:
    return max(folder.glob("logs/*/version_*"), key=lambda path: int(path.name.split("_")[1]))


def go_on(
    folder: Path, recipe: str, prepare: Callable[[], None] | None = None, seconds: float = 0
) -> int | None:
    """Resume the folder's last run, or begin where nothing was saved yet; killed or to its end."""
    for more in (["--ckpt_path", "last"], []):
        process = start(folder, [*command(recipe), *more], prepare)
        if seconds:
            process.join(seconds)
            process.kill()
        code = end(process)
        if code != 4:
            break
    return code


def test_killed_at_random_times(
    tmp_path: Path, wholes: dict[str, Path], full: bool, tally: Tally
) -> None:
    draw, kills, survived = random.Random(SEED), 0, 0
    for chain, recipe in enumerate(islice(cycle(wholes), 32 if full else 1)):
        folder = tmp_path / str(chain)
        folder.mkdir()
        codes = [
            go_on(folder, recipe, seconds=draw.uniform(0.02, RUN_SECONDS))
            for _ in range(draw.randint(1, 5))
        ]
        killed = codes.count(-signal.SIGKILL)
        assert go_on(folder, recipe) == 0, (folder / "err").read_text()
        kills += killed
        survived += killed * same(outcome(wholes[recipe]), outcome(newest(folder)))
    assert kills >= (60 if full else 1), "with those at chosen steps, over 100"
    tally("kill -9 at random times, in chains of up to 5", kills, survived, SEED)


def chosen(wholes: dict[str, Path], full: bool) -> Iterator[tuple[str, str, tuple[str, str, int]]]:
    """Recipe, place, and call of a function where a run is killed."""
    draw = random.Random(SEED)
    places = list(PLACES.items())
    for recipe in wholes:
        for place, (home, name, calls) in places if full else places[::2]:
            for at in draw.sample(range(calls), min(calls, 3 if full else 1)):
                yield recipe, place, (home, name, at)


def test_killed_at_chosen_steps(
    tmp_path: Path, wholes: dict[str, Path], full: bool, tally: Tally
) -> None:
    kills = {place: [0, 0] for place in PLACES}
    for number, (recipe, place, (home, name, at)) in enumerate(chosen(wholes, full)):
        folder = tmp_path / str(number)
        folder.mkdir()
        code = go_on(folder, recipe, partial(signal_at, home, name, at))
        if code == 0:  # this recipe does not come there so often
            continue
        assert code == -signal.SIGKILL
        assert go_on(folder, recipe) == 0, (folder / "err").read_text()
        kills[place][0] += 1
        kills[place][1] += same(outcome(wholes[recipe]), outcome(newest(folder)))
    assert sum(tried for tried, _ in kills.values()) >= (40 if full else 3)
    for place, (tried, survived) in kills.items():
        if tried:
            tally(f"kill -9 {place}", tried, survived, SEED)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_a_signal_at_any_time(
    tmp_path: Path, wholes: dict[str, Path], number: signal.Signals, full: bool, tally: Tally
) -> None:
    """The right code, one line, and the same run when it goes on."""
    if not full:
        pytest.skip("in full only; some in tests/checkpoints/test_resume.py")
    draw, tried, survived = random.Random(SEED), 20, 0
    for recipe in islice(cycle(RECIPES), tried):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        home, name, calls = PLACES[draw.choice(["in training", "in validation"])]
        at = draw.randrange(calls // 2)
        code = go_on(folder, recipe, partial(signal_at, home, name, at, number))
        line = (folder / "err").read_text().splitlines()[-1]
        stopped = line.startswith(f"mnist-lightning: stopped by {number.name}")
        went_on = go_on(folder, recipe) == 0
        went_on = went_on and same(outcome(wholes[recipe]), outcome(newest(folder)))
        survived += code == 128 + number and stopped and went_on
    tally(f"{number.name}, then going on", tried, survived, SEED)
