"""What the tests share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_lightning.__main__ import main

SHARED_MNIST = Path(__file__).parents[2] / "shared" / "mnist"

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
