"""What the tests share."""

import gzip
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mnist_lightning.__main__ import main
from mnist_lightning.checkpoints.runs import open_pretrained

SHARED_MNIST = Path(__file__).parents[2] / "shared" / "mnist"
SHARED_SIBLINGS = SHARED_MNIST.with_name("siblings")

NO_FIGURES = ["--report.figures", "false"]  # drawing takes longer than the rest of a tiny run
TINY_DATA = shlex.split("--data.source synthetic --data.synthetic_size '[96, 70]'")
TINY_NETWORK = shlex.split("--model.conv_channels '[2, 2]' --model.hidden_dims [8]")
TINY_RUN = shlex.split("--trainer.accelerator cpu --trainer.max_epochs 2")
TINY = [*TINY_DATA, *TINY_NETWORK, *TINY_RUN, "--tensorboard.level", "minimal", *NO_FIGURES]
Tally = Callable[[str, int, int, int], None]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes for the suite and the contract; none for a file, ``-m faults``, ``-m slow``."""
    if config.option.markexpr not in ("not slow", "contract") or any(map(_is_file, config.args)):
        return 0
    os.environ["OMP_NUM_THREADS"] = "1"  # of each process; torch reads it when it is loaded
    return 2


def _is_file(argument: str) -> bool:
    return Path(argument.partition("::")[0]).is_file()


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether faults are tried in their full number: ``pytest -m faults``."""
    return bool(request.config.option.markexpr == "faults")


@pytest.fixture
def tally(record_property: Callable[[str, object], None]) -> Tally:
    """Note how many of the faults tried were survived, for the table at the end; all must be."""

    def note(fault: str, tried: int, survived: int, seed: int) -> None:
        record_property("fault", (fault, tried, survived, seed))
        assert survived == tried, f"{fault}: {survived} of {tried}, seed {seed}"

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of faults."""
    reports = (each for kind in ("passed", "failed") for each in terminalreporter.getreports(kind))
    notes = (note for report in reports for note in report.user_properties)
    if rows := [row for name, row in notes if name == "fault"]:
        terminalreporter.section("faults")
        terminalreporter.line(f"{'fault':<60}{'tried':>7}{'survived':>10}{'seed':>6}")
        for fault, tried, survived, seed in rows:
            terminalreporter.line(f"{fault:<60}{tried:>7,}{survived:>10,}{seed:>6}")


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, made the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the contract's digits are generated once."""
    return tmp_path_factory.mktemp("images")


@pytest.fixture
def mnist_dir() -> Path:
    """Folder of the four official packed files."""
    if not SHARED_MNIST.is_dir():
        pytest.skip("the official files are not beside the project, in ../shared/mnist")
    return SHARED_MNIST


@pytest.fixture
def siblings() -> Path:
    """Folders of official packed files of MNIST's siblings, not all of them."""
    if not SHARED_SIBLINGS.is_dir():
        pytest.skip("the official files are not beside the project, in ../shared/siblings")
    return SHARED_SIBLINGS


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with the weights that come with the package."""
    content = open_pretrained().content
    content["datamodule_hyper_parameters"] = {"source": "mnist"}
    torch.save(content, path := tmp_path_factory.mktemp("reader") / "reader.ckpt")
    return path


def mnist_digits(count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The first of MNIST's test images, (count, 28, 28), and their labels, (count,)."""
    images, labels = (
        gzip.decompress((SHARED_MNIST / f"t10k-{name}-ubyte.gz").read_bytes())
        for name in ("images-idx3", "labels-idx1")
    )
    pixels = np.frombuffer(images, np.uint8, count * 784, 16)
    return pixels.reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, count, 8)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run what must be refused; the one line on stderr."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code in range(2, 6)
    error = capsys.readouterr().err
    assert error.startswith("mnist-lightning: error: ")
    assert error.count("\n") == 1
    return error
