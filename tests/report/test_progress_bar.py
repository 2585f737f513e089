"""The bar on a terminal of 80 columns."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lightning import Callback, Trainer
from rich import reconfigure

from mnist_lightning import MNISTClassifier, MNISTDataModule
from mnist_lightning.report.history import History
from mnist_lightning.report.progress_bar import ProgressBar, doing

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers|.*logging interval")


@pytest.fixture(autouse=True)
def console() -> Iterator[None]:
    """Leave rich's console as it was."""
    yield
    reconfigure()


def screen(written: str) -> list[str]:
    """What a terminal shows in the end, by the few codes that rich writes."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[[0-9;?]*[a-zA-Z]|\r|\n|[^\x1b\r\n]+", written):
        if part == "\n":
            row += 1
            lines += [""] * (row - len(lines) + 1)
        elif part == "\r":
            column = 0
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith("\x1b"):
            lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
            column += len(part)
            continue
        column = 0 if part == "\n" else column
    return [line.rstrip() for line in lines]


def trained(folder: Path, width: int, *more: Any) -> str:
    """What a run of two epochs writes on a terminal."""
    terminal = io.StringIO()
    console = {"file": terminal, "force_terminal": True, "width": width, "_environ": {}}
    bar = ProgressBar(refresh_rate=200, console_kwargs=console)
    options: Any = {"logger": True, "enable_model_summary": False, "default_root_dir": folder}
    trainer = Trainer(accelerator="cpu", max_epochs=2, callbacks=[bar, History(), *more], **options)
    data = MNISTDataModule(str(folder), "synthetic", synthetic_size=(640, 70))
    trainer.fit(MNISTClassifier([2, 2], [8]), data)
    with doing(trainer, "writing"):
        bar.print("[b]" + 99 * "x")
    return terminal.getvalue()


@pytest.mark.parametrize("width", [80, 40])
def test_shows_what_an_epoch_comes_to_and_goes(tmp_path: Path, width: int) -> None:
    written = trained(tmp_path, width)
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", written)
    drawn = [line for line in re.split("[\r\n]", plain) if re.match(r"epoch \d", line)]
    assert {line.split()[1] for line in drawn} == {"1/2", "2/2"}
    assert any(re.search(r"loss: [12]\.\d{4} acc: 0\.\d{4}", line) for line in drawn)
    assert "v_num" not in plain
    assert "writing" in plain
    assert max(map(len, drawn)) <= min(width, 78), "room for the ^C that a terminal echoes"
    header, *rows, last = filter(None, screen(written))
    assert header.split() == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
    assert [row.split()[0] for row in rows] == ["1/2", "2/2"]
    assert last == "[b]" + 99 * "x", "whole, however long"


class Counts(Callback):
    """Notes what the bar counts in validation, and after it."""

    def __init__(self) -> None:
        self.validating: set[float | None] = set()
        self.training: set[float | None] = set()

    def on_validation_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if not trainer.sanity_checking:
            self.validating |= self._totals(trainer)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self.training |= self._totals(trainer)

    def _totals(self, trainer: Trainer) -> set[float | None]:
        bar = trainer.progress_bar_callback
        assert isinstance(bar, ProgressBar)
        assert bar.progress
        return {task.total for task in bar.progress.tasks if task.visible}


def test_validation_counts_its_own_batches(tmp_path: Path) -> None:
    counts = Counts()
    trained(tmp_path, 80, counts)
    assert counts.validating == {3}, "70 images are three batches of 32"
    assert counts.training == {20}
