"""What the tests share."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mnist_lightning.__main__ import main

SHARED_MNIST = Path(__file__).parents[2] / "shared" / "mnist"
SHARED_SIBLINGS = SHARED_MNIST.with_name("siblings")

TINY_DATA = ["--data.source", "synthetic", "--data.synthetic_size", "[96, 70]"]
TINY = [
    *TINY_DATA,
    "--model.conv_channels",
    "[2, 2]",
    "--model.hidden_dims",
    "[8]",
    "--trainer.accelerator",
    "cpu",
    "--trainer.max_epochs",
    "2",
    "--tensorboard.level",
    "minimal",
]


Tally = Callable[[str, int, int, int], None]
TALLIES = pytest.StashKey[list[tuple[str, int, int, int]]]()


@pytest.fixture
def full(request: pytest.FixtureRequest) -> bool:
    """Whether faults are tried in their full number: ``pytest -m faults``."""
    return bool(request.config.option.markexpr == "faults")


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Note how many of the faults tried were survived, for the table at the end; all must be."""
    rows = request.config.stash.setdefault(TALLIES, [])

    def note(fault: str, tried: int, survived: int, seed: int) -> None:
        rows.append((fault, tried, survived, seed))
        assert survived == tried, f"{fault}: {survived} of {tried}, seed {seed}"

    return note


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Print the table of faults."""
    if rows := config.stash.get(TALLIES, []):
        terminalreporter.section("faults")
        terminalreporter.line(f"{'fault':<60}{'tried':>7}{'survived':>10}{'seed':>6}")
        for fault, tried, survived, seed in rows:
            terminalreporter.line(f"{fault:<60}{tried:>7,}{survived:>10,}{seed:>6}")


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, made the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


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
    """A checkpoint of the fast recipe after 9,600 images of MNIST."""
    if not SHARED_MNIST.is_dir():
        pytest.skip("the official files are not beside the project, in ../shared/mnist")
    folder, before = tmp_path_factory.mktemp("reader"), Path.cwd()
    config = Path(__file__).parents[1] / "configs" / "fast.yaml"
    limits = ["--trainer.limit_train_batches", "150", "--trainer.limit_val_batches", "0"]
    os.chdir(folder)
    main(["fit", "--config", str(config), "--data.mirror", SHARED_MNIST.as_uri(), *limits])
    os.chdir(before)
    return folder / "logs/mnist/version_0/checkpoints/last.ckpt"


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
