"""The event files, read back by TensorBoard."""

import errno
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from mnist_lightning.report.logger import RunLogger


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder)).Reload()
    tags = events.Tags()["scalars"]
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags}


def test_writes_training_and_validation_under_one_tag_over_epochs(tmp_path: Path) -> None:
    logger = RunLogger(str(tmp_path), "mnist")
    logger.log_hyperparams({"lr": 0.1})
    for epoch in (0, 1):
        metrics = {"train/loss": 0.5 - epoch / 4, "val/loss": 0.25, "epoch": epoch}
        logger.log_metrics(metrics, step=99 * epoch)
    logger.log_metrics({"lr-Adam": 0.125}, step=7)
    logger.finalize("success")
    run = tmp_path / "mnist" / "version_0"
    assert read(run / "train") == {"loss": [(1, 0.5), (2, 0.25)], "lr-Adam": [(7, 0.125)]}
    assert read(run / "validation") == {"loss": [(1, 0.25), (2, 0.25)]}
    assert not list(run.glob("events*")), "no third run in the chart"


def test_each_run_gets_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for taken in ("7", "mine"):
        (tmp_path / "mnist" / f"version_{taken}").mkdir(parents=True)
    loggers = [RunLogger(str(tmp_path), "mnist", given) for given in (None, None, 3, "mine")]
    for logger in loggers:
        logger.set_name("other")
    names = [Path(logger.log_dir).name for logger in loggers]
    assert names == ["version_8", "version_9", "version_3", "mine"]
    (unnamed := RunLogger(str(tmp_path))).set_name("synthetic")
    assert Path(unnamed.log_dir) == tmp_path / "synthetic" / "version_0"
    monkeypatch.setattr(Path, "glob", lambda *_: [])  # nothing is there yet when they look
    together = [RunLogger(str(tmp_path), "together") for _ in range(3)]
    assert len({logger.log_dir for logger in together}) == 3


def test_a_full_disk_costs_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    logger = RunLogger(str(tmp_path), "mnist")
    assert logger.experiment.log_dir
    for method in ("add_event", "flush"):
        monkeypatch.setattr(EventFileWriter, method, full)
    with pytest.warns(UserWarning, match="could not be written .No space left on device"):
        logger.log_metrics({"train/loss": 0.5, "epoch": 0}, step=1)
    with pytest.warns(UserWarning, match="could not be written"):
        logger.finalize("success")
