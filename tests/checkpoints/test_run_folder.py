"""A folder for each run."""

from pathlib import Path
from typing import Any

import pytest
from lightning import Trainer
from lightning.pytorch.demos.boring_classes import BoringModel
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger

from mnist_lightning.checkpoints.last_checkpoint import LastCheckpoint
from mnist_lightning.checkpoints.run_folder import RunFolder, claim_version, run_folder
from mnist_lightning.report.history import History


def fit(folder: Path, callbacks: list[Any], **options: Any) -> Trainer:
    shown = {"enable_progress_bar": False, "enable_model_summary": False}
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=1,
        limit_train_batches=1,
        limit_val_batches=0,
        log_every_n_steps=1,
        default_root_dir=folder,
        callbacks=callbacks,
        **{**shown, **options},
    )
    trainer.fit(BoringModel())
    return trainer


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_runs_without_a_logger_do_not_overwrite_each_other(tmp_path: Path) -> None:
    callbacks = [History(), LastCheckpoint()]  # shared: each trainer adds to the list
    for _ in range(2):
        trainer = fit(tmp_path, callbacks, logger=False)
        assert run_folder(trainer) == run_folder(trainer)
    for run in ("version_0", "version_1"):
        found = {path.name for path in (tmp_path / "runs" / run).rglob("*.c*")}
        assert found == {"history.csv", "last.ckpt"}


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize("kind", [CSVLogger, TensorBoardLogger])
def test_a_logger_with_folders_gives_its_own(tmp_path: Path, kind: type[Any]) -> None:
    logger = kind(tmp_path / "elsewhere")
    trainer = fit(tmp_path, [History()], logger=logger)
    assert run_folder(trainer) == Path(logger.log_dir)
    assert Path(logger.log_dir, "history.csv").is_file()
    inside = RunFolder(str(tmp_path / "logs"))
    inside.name = "mnist"
    fit(tmp_path, [inside], logger=kind(tmp_path / "elsewhere"))
    assert inside.path == tmp_path / "logs" / "mnist" / "version_0"


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
@pytest.mark.parametrize(
    "options", [{"fast_dev_run": True}, {"logger": False, "enable_checkpointing": False}]
)
def test_what_keeps_nothing_has_none(tmp_path: Path, options: dict[str, Any]) -> None:
    assert run_folder(fit(tmp_path, [History()], **options)) is None
    assert not list(tmp_path.iterdir())


def test_two_at_once_get_one_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: [])  # nothing is there yet when they look
    assert [claim_version(tmp_path / "a") for _ in range(3)] == [0, 1, 2]
