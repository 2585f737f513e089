"""The table of epochs."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lightning import Trainer

from mnist_lightning.report import history
from mnist_lightning.report.history import History, format_end, format_epoch, format_row


def test_rows_survive_in_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = History(), History()
    before.rows = [{"epoch": 1, "loss": 0.5, "seconds": 2.0}]
    before.rows += [{"epoch": 2, "loss": 0.25, "val_loss": 1.0, "seconds": 1}]
    after.load_state_dict(before.state_dict())
    assert after.columns() == {"epoch": [1, 2], "loss": [0.5, 0.25], "seconds": [2.0, 1]}
    monkeypatch.setattr(history, "run_folder", lambda _: tmp_path / "run")
    after.on_fit_start(Trainer(accelerator="cpu", logger=False, barebones=True))
    (file,) = (tmp_path / "run").iterdir()
    lines = file.read_text().splitlines()
    assert lines[0] == "epoch,loss,accuracy,val_loss,val_accuracy,seconds"
    assert lines[1:] == ["1,0.5,,,,2.0", "2,0.25,,1.0,,1"], "what was not measured stays empty"


def test_columns_are_aligned_however_large_the_numbers() -> None:
    metrics = {"loss": 12.34567, "accuracy": 1.0, "val_loss": 2345.6, "val_accuracy": 0.98765}
    measured = {name: metrics[name] for name in ("val_loss", "val_accuracy")}
    lines = [format_row("100/120", metrics, "3600.0"), format_row("1", {}, "0.1")]
    assert [*lines, format_end(measured)] == [
        "  100/120    12.3457    1.0000  2345.6000        0.9877    3600.0",
        "        1          -         -          -             -       0.1",
        "           after the last step  2345.6000        0.9877",
    ]


@pytest.mark.parametrize(("epoch", "most", "shown"), [(0, 5, "1/5"), (5, 5, "5/5"), (9, -1, "10")])
def test_epochs_count_from_1(epoch: int, most: int, shown: str) -> None:
    trainer: Any = SimpleNamespace(current_epoch=epoch, max_epochs=most)
    assert format_epoch(trainer) == shown
