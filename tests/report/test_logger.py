"""The event files, read back by TensorBoard."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnist_lightning.report.logger import RunLogger


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder))
    events.Reload()
    tags = events.Tags()["scalars"]
    return {tag: [(e.step, round(e.value, 6)) for e in events.Scalars(tag)] for tag in tags}


def test_writes_training_and_validation_under_one_tag_over_epochs(tmp_path: Path) -> None:
    logger = RunLogger(str(tmp_path), "mnist")
    logger.log_hyperparams({"lr": 0.1})
    for epoch in (0, 1):
        logger.log_metrics({"train/loss": 0.5 - epoch / 4, "epoch": epoch}, step=99 * epoch)
        logger.log_metrics({"val/loss": 0.25, "epoch": epoch}, step=99 * epoch)
    logger.log_metrics({"lr-Adam": 0.125}, step=7)
    logger.finalize("success")
    run = tmp_path / "mnist" / "version_0"
    assert read(run / "train") == {"loss": [(1, 0.5), (2, 0.25)], "lr-Adam": [(7, 0.125)]}
    assert read(run / "validation") == {"loss": [(1, 0.25), (2, 0.25)]}
    assert not list(run.glob("events*")), "no third run in the chart"


def test_each_run_gets_a_folder(tmp_path: Path) -> None:
    loggers = [RunLogger(str(tmp_path), "mnist") for _ in range(3)]
    assert len({logger.log_dir for logger in loggers}) == 3


@pytest.mark.parametrize(("given", "folder"), [(None, "synthetic"), ("mine", "mine")])
def test_a_name_given_stays(tmp_path: Path, given: str | None, folder: str) -> None:
    logger = RunLogger(str(tmp_path), given)
    logger.set_name("synthetic")
    assert Path(logger.log_dir) == tmp_path / folder / "version_0"
