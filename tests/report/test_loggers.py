"""Figures and files in the loggers of others."""

from pathlib import Path
from typing import Any

import pytest
from conftest import TINY
from lightning import Trainer
from lightning.pytorch.loggers import Logger
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnist_lightning.__main__ import main
from mnist_lightning.report.loggers import log_figure, log_file

FIGURES = {"predictions", "confusion_matrix", "worst_mistakes"}  # no pictures of their own charts
FIT = ["fit", *TINY, "--report.figures", "true", "--tensorboard.level", "full", "--trainer.logger"]


def fit_and_test(*options: str) -> Path:
    """The folder of a run with a logger, which ``test`` finds."""
    run = main([*FIT, *options])
    assert run
    assert run.folder == Path("logs/synthetic/version_0")
    assert {path.name for path in run.folder.iterdir()} >= {"config.yaml", "report.html"}
    tested = main(["test", "--report.figures", "false"])
    assert tested
    assert tested.checkpoint == run.checkpoint
    return run.folder


def test_tensorboard_and_csv_elsewhere(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workdir / "two.yaml").write_text(
        "[{class_path: lightning.pytorch.loggers.CSVLogger, init_args: {save_dir: csv}},"
        " {class_path: lightning.pytorch.loggers.TensorBoardLogger, init_args: {save_dir: tb}}]"
    )
    folder = fit_and_test("two.yaml")
    out = capsys.readouterr().out
    assert f"Run folder: {folder}\n" in out
    (board,) = {path.parent for path in workdir.glob("tb/**/events*")}
    assert f"Curves:     tensorboard --logdir {board.parent.relative_to(workdir)}\n" in out
    events = EventAccumulator(str(board), {"images": 0}).Reload()
    assert set(events.Tags()["images"]) == FIGURES
    assert [event.step for event in events.Images("worst_mistakes")] == [1, 2]
    (table,) = workdir.glob("csv/**/metrics.csv")
    assert "train/images_per_second" in table.read_text().splitlines()[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_mlflow(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mlflow = pytest.importorskip("mlflow")
    store = f"sqlite:///{workdir}/store.db"
    place = ["--trainer.logger.artifact_location", f"{workdir.as_uri()}/kept"]
    kind = "lightning.pytorch.loggers.MLFlowLogger"
    fit_and_test(kind, "--trainer.logger.tracking_uri", store, *place)
    assert "Curves" not in capsys.readouterr().out
    client = mlflow.MlflowClient(store)
    (run,) = client.search_runs([client.get_experiment_by_name("lightning_logs").experiment_id])
    names = {each.path for each in client.list_artifacts(run.info.run_id)}
    assert names == {f"{name}.png" for name in FIGURES} | {"report.html"}
    assert run.data.params["conv_channels"] == "[2, 2]"
    assert {"val/accuracy", "train/lr"} <= run.data.metrics.keys()


def test_wandb(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    kind = "lightning.pytorch.loggers.WandbLogger"
    fit_and_test(kind, "--trainer.logger.save_dir", "kept")
    wandb.finish()
    (run,) = workdir.glob("kept/wandb/offline-run-*")
    assert (run / "files" / "report.html").is_file()
    pictures = {path.name.rsplit("_", 2)[0] for path in (run / "files/media/images").iterdir()}
    assert pictures == FIGURES


class Duck(Logger):
    """A logger of another kind, that takes figures as Comet does, and fails with files."""

    name, version = "duck", 0

    def __init__(self) -> None:
        super().__init__()
        self.figures: list[tuple[str, int]] = []
        self.experiment = self

    def log_metrics(self, *_: Any, **__: Any) -> None:
        """Take nothing."""

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Take nothing."""

    def log_figure(self, name: str, figure: Figure, step: int) -> None:
        """Take a figure."""
        self.figures.append((name, step))

    def log_asset(self, path: str) -> None:
        """Fail as where there is no network."""
        raise ConnectionError(path)


def test_a_logger_that_fails_costs_a_warning(tmp_path: Path) -> None:
    duck = Duck()
    trainer = Trainer(accelerator="cpu", logger=[duck], default_root_dir=tmp_path)
    log_figure(trainer, "curves", Figure(), 3, "train")
    assert duck.figures == [("curves", 0)]
    with pytest.warns(UserWarning, match=r"report.html in Duck is left out \(ConnectionError"):
        log_file(trainer, tmp_path / "report.html")
    log_file(trainer, tmp_path / "report.html")  # a second warning would be an error
