"""The examples learn something."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from conftest import NO_FIGURES

from mnist_lightning import MNISTDataModule
from mnist_lightning.__main__ import main

EXAMPLES = Path(__file__).parents[1] / "examples"
SIZE = (2000, 200)


def load(name: str) -> Any:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]


def digits(val_size: int = 0) -> MNISTDataModule:
    return MNISTDataModule(source="synthetic", synthetic_size=SIZE, val_size=val_size)


# what Lightning and torch say of a plain DataLoader and of a short run on CPU
@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
@pytest.mark.filterwarnings("ignore:.*smaller than the logging interval.*")
def test_classifier_with_foreign_data(workdir: Path) -> None:
    assert load("foreign_data")() > 0.9


def test_data_with_foreign_model(workdir: Path) -> None:
    assert load("foreign_model")(digits()) > 0.4


def test_frozen_features(workdir: Path) -> None:
    sizes = ["--data.source", "synthetic", "--data.synthetic_size", str(list(SIZE))]
    small = ["--model.conv_channels", "[4, 8]", "--trainer.max_epochs", "1"]
    main(["fit", *sizes, *small, *NO_FIGURES])
    checkpoint = "logs/synthetic/version_0/checkpoints/last.ckpt"
    assert load("feature_extractor")(checkpoint, digits()) > 0.65


@pytest.mark.parametrize("name", ["plain_loop", "with_fabric"])
def test_loops_of_ones_own(name: str, workdir: Path) -> None:
    assert load(name)(digits(), batches=40) > 0.5


def test_optuna_ends_poor_trials_early(workdir: Path) -> None:
    optuna = pytest.importorskip("optuna")
    study = load("with_optuna")(digits(val_size=200), trials=4, batches=10)
    ends = [trial.state for trial in study.trials]
    assert set(ends) == {optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED}
    best = max(trial.value for trial in study.trials if trial.state.name == "COMPLETE")
    assert study.best_value == best > 0.3


# of MLflow 3.17 on its own and others' interfaces
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_mlflow_records_metrics_settings_and_checkpoint(workdir: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    run = load("with_mlflow")(digits(val_size=200), batches=10)
    assert {"train/loss", "val/accuracy", "test/accuracy"} <= run.data.metrics.keys()
    assert float(run.data.params["lr"]) == 1e-3
    client = mlflow.MlflowClient("sqlite:///mlflow.db")
    assert [each.path for each in client.list_artifacts(run.info.run_id, "best")]
