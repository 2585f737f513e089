"""The report at a run's end."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_warn
from matplotlib.figure import Figure

from mnist_lightning.checkpoints.run_folder import run_folder, say
from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.errors import OutputError
from mnist_lightning.files import atomic_write
from mnist_lightning.report.history import History
from mnist_lightning.report.metrics import write_metrics
from mnist_lightning.report.plotting import (
    plot_confusion_matrix,
    plot_curve,
    plot_curves,
    plot_predictions,
)
from mnist_lightning.report.results import Gathered, Results, logits_of
from mnist_lightning.report.run_page import write_page
from mnist_lightning.report.summary import (
    closing_lines,
    count_lines,
    opening_lines,
    source_lines,
    summarize,
)


class Report(Callback):
    """Count right and wrong answers, and leave numbers, figures and a page in the run's folder.

    Args:
        figures: Draw the figures, show them in TensorBoard, and write the page of the run.
    """

    def __init__(self, figures: bool = True) -> None:
        self.figures = figures
        self._results = Results()
        self._started = 0.0

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what the run trains on, and start the clock."""
        self._started = time.perf_counter()
        for line in opening_lines(attached_data(trainer)):
            say(trainer, line)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn of synthetic digits in ``validate``, ``test`` and ``predict``."""
        if trainer.state.fn != TrainerFn.FITTING:
            for line in source_lines(attached_data(trainer)):
                say(trainer, line)

    on_test_start = on_predict_start = on_validation_start

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new pass."""
        self._results = Results()

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new pass."""
        self._results = Results()

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Collect the answers; a module that does not return its ``logits`` is asked again."""
        if trainer.sanity_checking:
            return
        images, labels = batch
        self._results.update(images, labels, logits_of(pl_module, outputs, images))

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Collect the answers, as in validation."""
        self.on_validation_batch_end(trainer, pl_module, outputs, batch, batch_idx, dataloader_idx)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the count after ``validate``; ``fit`` prints it once, at its end."""
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._count(trainer, "val")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the count."""
        self._count(trainer, "test")

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write ``summary.json`` and the figures, and print the closing lines."""
        results = self._count(trainer, "val")
        folder = run_folder(trainer)
        if folder is None or not trainer.is_global_zero:
            return
        summary = summarize(trainer, pl_module, results, time.perf_counter() - self._started)
        try:
            self._write(trainer, folder, summary, results)
        except (OSError, OutputError) as error:  # a full disk; the checkpoint is what counts
            rank_zero_warn(f"the report of the run could not be written ({error})")
        for line in closing_lines(str(folder), attached_data(trainer)):
            say(trainer, line)

    def _count(self, trainer: Trainer, stage: str) -> Gathered | None:
        results = self._results.gather()
        if results:
            for line in count_lines(results, stage, attached_data(trainer)):
                say(trainer, line)
        return results

    def _write(
        self, trainer: Trainer, folder: Path, summary: dict[str, Any], results: Gathered | None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / "summary.json") as draft:
            draft.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        if results:
            write_metrics(
                folder / "validation", results.scores, "val", attached_data(trainer), None
            )
        if self.figures:
            self._draw(trainer, folder / "figures", results)
            say(trainer, write_page(folder))

    def _draw(self, trainer: Trainer, folder: Path, results: Gathered | None) -> None:
        folder.mkdir(exist_ok=True)
        histories = [each for each in trainer.callbacks if isinstance(each, History)]  # type: ignore[attr-defined]
        columns = histories[0].columns() if histories else {}
        for name, figure in [*curves(columns), *answers(results)]:
            with atomic_write(folder / f"{name}.png") as draft:
                figure.savefig(draft, dpi=120)
            if isinstance(trainer.logger, TensorBoardLogger):
                trainer.logger.experiment.add_figure(name, figure, trainer.current_epoch)


def curves(columns: dict[str, list[float]]) -> Iterator[tuple[str, Figure]]:
    """Draw the curves that the columns of a history allow; file name and figure of each."""
    for metric in ("loss", "accuracy"):
        if metric in columns:
            yield f"training_{metric}", plot_curve(columns, "train", metric)
        if f"val_{metric}" in columns:
            yield f"validation_{metric}", plot_curve(columns, "val", metric)
    if len(columns) > 2:  # more than epoch and seconds
        yield "curves", plot_curves(columns)


def answers(results: Gathered | None) -> Iterator[tuple[str, Figure]]:
    """Draw predictions and the confusion matrix; file name and figure of each."""
    if results is None:
        return
    yield "predictions", plot_predictions(*results.shown())
    matrix = np.array(results.scores.confusion_matrix)
    yield "confusion_matrix", plot_confusion_matrix(matrix)
