"""The table of epochs."""

from pathlib import Path

from mnist_lightning.report.history import History, write_csv


def test_csv_leaves_out_what_was_not_measured(tmp_path: Path) -> None:
    write_csv(tmp_path / "history.csv", [{"epoch": 1, "loss": 0.5, "seconds": 2.0}])
    lines = (tmp_path / "history.csv").read_text().splitlines()
    assert lines == ["epoch,loss,accuracy,val_loss,val_accuracy,seconds", "1,0.5,,,,2.0"]
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_rows_survive_in_the_checkpoint() -> None:
    before, after = History(), History()
    before.rows = [{"epoch": 1, "loss": 0.5, "seconds": 1}]
    before.rows += [{"epoch": 2, "loss": 0.25, "val_loss": 1.0, "seconds": 1}]
    after.load_state_dict(before.state_dict())
    assert after.columns() == {"epoch": [1, 2], "loss": [0.5, 0.25], "seconds": [1, 1]}
