"""Mirrors that fail, and processes that start together."""

import time
from collections.abc import Iterator
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import Tally, refused
from mirrors import BAD, Server, hashes_of, packed, serving, stand_ins, take_for_official
from processes import end, start
from torchvision.datasets import MNIST

from mnist_lightning.__main__ import main
from mnist_lightning.data import transfer
from mnist_lightning.data.download import FILES, PACKED_SIZES, SHA256

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
DEADLINE = 20  # seconds; the patience of these tests is far below
ONE_STEP = ["--trainer.limit_train_batches", "1", "--trainer.limit_val_batches", "1"]
SMALL = ["--model.conv_channels", "[1]", "--model.hidden_dims", "[1]"]
FIT = ["fit", "--data.source", "mnist", "--trainer.max_epochs", "1", *ONE_STEP, *SMALL]
FIT += ["--trainer.accelerator", "cpu", "--report.figures", "false"]


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Files to be taken for the official ones."""
    return stand_ins()


@pytest.fixture(scope="module")
def server(files: dict[str, bytes]) -> Iterator[Server]:
    """Their mirrors."""
    with serving(packed(files)) as server:
        yield server


@pytest.fixture
def impatient(
    files: dict[str, bytes], server: Server, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """Short waits, and those files for the official ones."""
    for name, hashes in hashes_of(files).items():
        monkeypatch.setitem(SHA256, name, hashes)
        monkeypatch.setitem(PACKED_SIZES, name, len(server.files[f"{name}.gz"]))
    monkeypatch.setattr(transfer, "TIMEOUT_SECONDS", 0.3)
    # only pooch does not wait: the time module is the mirrors' too
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))
    return monkeypatch


def intact(folder: Path, files: dict[str, bytes]) -> bool:
    """Tell whether a folder holds the files, and nothing half-written."""
    raw = folder / "data" / "MNIST" / "raw"
    names = {path.name for path in raw.iterdir()}
    whole = all((raw / name).read_bytes() == files[name] for name in FILES)
    return whole and names == {*FILES, *(f"{name}.gz" for name in FILES), ".lock"}


def test_the_next_mirror_or_one_line_in_time(
    workdir: Path,
    files: dict[str, bytes],
    server: Server,
    impatient: pytest.MonkeyPatch,
    full: bool,
    tally: Tally,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kinds = BAD if full else BAD[::9]
    first_bad = all_bad = 0
    for kind in kinds:
        (workdir / kind).mkdir()
        impatient.chdir(workdir / kind)
        bad = f"{server.url}{kind}/"
        started = time.monotonic()
        impatient.setattr(MNIST, "mirrors", [bad, bad])
        line = refused(FIT, capsys)
        in_time = time.monotonic() - started < DEADLINE
        all_bad += "--data.mirror" in line and len(line) <= 200 and in_time
        all_bad -= Path("data").exists()
        impatient.setattr(MNIST, "mirrors", [bad, f"{server.url}good/"])
        main(FIT)
        first_bad += intact(Path(), files)
    tally("mirrors: all bad, one line in time", len(kinds), all_bad, 0)
    tally("mirrors: the first bad, the right data", len(kinds), first_bad, 0)


def test_processes_that_start_together(
    tmp_path: Path, files: dict[str, bytes], server: Server, full: bool, tally: Tally
) -> None:
    rounds, survived = 20 if full else 1, 0
    for number in range(rounds):
        server.requests.clear()
        folder = tmp_path / str(number)
        processes = first_runs(folder, server, files, 4)
        codes = [end(process) for process in processes]
        once = sorted(server.requests) == sorted(f"{name}.gz" for name in FILES)
        runs = list(folder.glob("logs/mnist/version_*/history.csv"))
        survived += codes == [0] * 4 and once and intact(folder, files) and len(runs) == 4
    tally("first runs: 4 processes together", rounds, survived, 0)


def test_a_process_that_dies_with_the_lock(
    tmp_path: Path, files: dict[str, bytes], server: Server, full: bool, tally: Tally
) -> None:
    rounds, survived = 5 if full else 1, 0
    for number in range(rounds):
        server.requests.clear()
        server.asked.clear()
        server.go.clear()
        folder = tmp_path / str(number)
        (holder,) = first_runs(folder, server, files, 1)
        assert server.asked.wait(DEADLINE)
        (asked,) = server.requests
        others = first_runs(folder, server, files, 3)
        time.sleep(0.5)
        holder.kill()
        server.go.set()
        codes = [end(process) for process in others]
        once = sorted(server.requests) == sorted([asked, *(f"{name}.gz" for name in FILES)])
        survived += codes == [0] * 3 and once and intact(folder, files)
    tally("first runs: the holder of the lock killed", rounds, survived, 0)


def first_runs(
    folder: Path, server: Server, files: dict[str, bytes], count: int
) -> list[BaseProcess]:
    """Start processes that find no data."""
    folder.mkdir(exist_ok=True)
    sizes = {name: len(server.files[f"{name}.gz"]) for name in FILES}
    prepare = partial(take_for_official, hashes_of(files), sizes)
    command = [*FIT, "--data.mirror", f"{server.url}good/"]
    return [start(folder, command, prepare) for _ in range(count)]
