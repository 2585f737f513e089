"""Mirrors that fail, and processes that start together."""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from conftest import NO_FIGURES, Tally, refused
from mirrors import BAD, Server, packed, serving, stand_in, stand_ins
from processes import end, start

from mnist_lightning.data import download
from mnist_lightning.data.datasets import SOURCES
from mnist_lightning.data.source import Source

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
DEADLINE = 20  # seconds; the patience of these tests is far below
FILES = stand_ins()
ONE_STEP = ["--trainer.limit_train_batches", "1", "--trainer.limit_val_batches", "1"]
SMALL = ["--model.conv_channels", "[1]", "--model.hidden_dims", "[1]"]
FIT = ["fit", "--data.source", "mnist", "--trainer.max_epochs", "1", *ONE_STEP, *SMALL]
FIT += ["--trainer.accelerator", "cpu", *NO_FIGURES]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Mirrors of small files that are taken for the official ones."""
    with serving(packed(FILES)) as server:
        yield server


def intact(folder: Path) -> bool:
    paths = (folder / "data" / "MNIST" / "raw").iterdir()
    return {path.name: path.read_bytes() for path in paths} == {**FILES, ".lock": b""}


def test_the_next_mirror_or_one_line_in_time(
    workdir: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    full: bool,
    tally: Tally,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.6)
    kinds = BAD if full else BAD[::9]
    first_bad = all_bad = 0
    for kind in kinds:
        (workdir / kind).mkdir()
        monkeypatch.chdir(workdir / kind)
        bad = f"{server.url}{kind}/"
        source = stand_in(FILES, bad, bad)
        monkeypatch.setitem(SOURCES, "mnist", source)
        started = time.monotonic()
        line = refused(FIT, capsys)
        in_time = time.monotonic() - started < DEADLINE
        all_bad += "--data.mirror" in line and len(line) <= 200 and in_time
        all_bad -= Path("data").exists()
        replace(source, mirrors=(bad, f"{server.url}good/")).prepare(Path("data"))
        first_bad += intact(Path())
    tally("mirrors: all bad, one line in time", len(kinds), all_bad, 0)
    tally("mirrors: the first bad, the right data", len(kinds), first_bad, 0)


@pytest.mark.parametrize("kind", ["good", "404"])
def test_processes_that_start_together(
    tmp_path: Path, server: Server, full: bool, tally: Tally, kind: str
) -> None:
    rounds, survived = (20 if kind == "good" else 5) if full else 1, 0
    for number in range(rounds):
        server.requests.clear()
        folder = tmp_path / str(number)
        codes = [end(process) for process in first_runs(folder, server, 4, full, kind)]
        if kind == "good":
            once = sorted(server.requests) == sorted(packed(FILES))
            runs = list(folder.glob("logs/mnist/version_*/history.csv"))
            survived += codes == [0] * 4 and once and intact(folder) and len(runs) == 4 * full
        else:
            said = (folder / "err").read_text().count("idx3-ubyte.gz: HTTPError at 127.0.0.1")
            left = {path.name for path in folder.glob("data/MNIST/raw/*")}  # the folder may be
            survived += codes == [3 if full else 1] * 4 and said == 4 and left <= {".lock"}
    tally(f"first runs: 4 processes together, mirror {kind}", rounds, survived, 0)


def test_a_process_that_dies_with_the_lock(
    tmp_path: Path, server: Server, full: bool, tally: Tally
) -> None:
    rounds, survived = 5 if full else 1, 0
    for number in range(rounds):
        server.requests.clear()
        server.asked.clear()
        server.go.clear()
        folder = tmp_path / str(number)
        (holder,) = first_runs(folder, server, 1, full)
        assert server.asked.wait(DEADLINE)
        (asked,) = server.requests
        others = first_runs(folder, server, 3, full)
        time.sleep(0.5)
        holder.kill()
        server.go.set()
        codes = [end(process) for process in others]
        once = sorted(server.requests) == sorted([asked, *packed(FILES)])
        survived += codes == [0] * 3 and once and intact(folder)
    tally("first runs: the holder of the lock killed", rounds, survived, 0)


def first_runs(
    folder: Path, server: Server, count: int, full: bool, kind: str = "good"
) -> list[BaseProcess]:
    folder.mkdir(exist_ok=True)
    source = stand_in(FILES, f"{server.url}{kind}/")
    return [start(folder, FIT, partial(first_run, source, full)) for _ in range(count)]


def first_run(source: Source, full: bool) -> None:
    """Let a process take files for the official ones; it ends with the data if not in full."""
    SOURCES["mnist"] = source
    if not full:
        source.prepare(Path("data"))
        sys.exit()
