"""The table of epochs."""

from pathlib import Path

import pytest
from lightning import Trainer

from mnist_lightning.report import history
from mnist_lightning.report.history import History


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
