"""The report of a run: counts, scores, figures and its page."""

import time
from pathlib import Path

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_warn
from matplotlib.figure import Figure

from mnist_lightning.checkpoints.run_folder import RunFolder, run_folder
from mnist_lightning.checkpoints.shown import left_out, only_shows, say
from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.errors import Error, OutputError
from mnist_lightning.files import atomic_write
from mnist_lightning.report import summary
from mnist_lightning.report.closing import closing_lines, named
from mnist_lightning.report.collector import PredictionCollector
from mnist_lightning.report.figures import draw_curves, draw_test, draw_validation
from mnist_lightning.report.history import History
from mnist_lightning.report.loggers import log_figure, log_file
from mnist_lightning.report.page import FILE_NAME, write_page
from mnist_lightning.report.predictions import Predictions
from mnist_lightning.report.progress_bar import doing


@only_shows
class Report(Callback):
    """Print counts and scores, and write metrics, figures and a page into the run's folder.

    ``test`` writes into the folder ``test`` in the trainer's ``default_root_dir``, which the
    command line makes the folder of the checkpoint's run; the page there is written anew.

    Args:
        figures: Draw figures, and write the page; of ``fit``, give them to the loggers too.
    """

    def __init__(self, figures: bool = True) -> None:
        self.figures = figures

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Have the predictions collected."""
        self._collector = PredictionCollector.attach(trainer)
        RunFolder.attach(trainer)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what the run trains on, and start the clock."""
        self._started = time.perf_counter()
        for line in ("", *summary.opening_lines(trainer)):
            say(trainer, line)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Warn of synthetic digits in ``validate``, ``test`` and ``predict``."""
        if trainer.state.fn != TrainerFn.FITTING:
            for line in summary.source_lines(attached_data(trainer)):
                say(trainer, line)

    on_test_start = on_predict_start = on_validation_start

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the scores of ``validate``; ``fit`` prints their count once, at its end."""
        if trainer.state.fn == TrainerFn.VALIDATING:
            self._score(trainer, "val", self._collector.predictions)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write ``summary.json``, metrics and figures, and print the closing lines."""
        predictions = self._collector.gather_final(trainer, pl_module)
        self._count(trainer, "val", predictions)
        folder = run_folder(trainer)
        if folder is None or not trainer.is_global_zero:
            return
        scores = predictions.scores if predictions else None
        seconds, page = time.perf_counter() - self._started, ""
        try:
            with doing(trainer, "writing the report"):
                summary.write_summary(folder, trainer, pl_module, scores, seconds)
                if scores:
                    path = folder / "validation/metrics.json"
                    summary.write_metrics(path, "val", scores, trainer)
                if self.figures:
                    page = _draw_fit(trainer, folder, predictions)
        except (OSError, OutputError) as error:  # a full disk; the checkpoint is what counts
            rank_zero_warn(f"the report of the run could not be written ({error})")
        for line in ("", *closing_lines(trainer, pl_module, folder, self._started, page)):
            say(trainer, line)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the scores and write them; a ``fast_dev_run`` writes nothing."""
        predictions = self._collector.predictions
        self._score(trainer, "test", predictions)
        if not predictions or not trainer.is_global_zero or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        run = Path(trainer.default_root_dir)
        with doing(trainer, "writing the report"):
            summary.write_metrics(run / "test/metrics.json", "test", predictions.scores, trainer)
            if self.figures:
                precision = trainer.precision_plugin.forward_context()
                with left_out(trainer, "a figure of the test", Error, OSError), precision:
                    for name, figure in draw_test(pl_module, predictions):
                        _save(figure, run / "test" / f"{name}.png")
            page = write_page(run) if self.figures and (run / FILE_NAME).is_file() else None
        for line in ("", named("Written to", run / "test"), *([page] if page else [])):
            say(trainer, line)

    def _count(self, trainer: Trainer, stage: str, predictions: Predictions | None) -> None:
        if predictions:
            for line in ("", *summary.count_lines(predictions.scores, stage, trainer)):
                say(trainer, line)

    def _score(self, trainer: Trainer, stage: str, predictions: Predictions | None) -> None:
        """Print the scores; of a module that has no predictions what it logged."""
        self._count(trainer, stage, predictions)
        lines = summary.metric_lines(trainer)
        for line in summary.score_lines(predictions.scores) if predictions else lines:
            say(trainer, line)


def _draw_fit(trainer: Trainer, folder: Path, predictions: Predictions | None) -> str:
    """Draw and write the page; the line that says where it is."""
    histories = [each for each in trainer.callbacks if isinstance(each, History)]  # type: ignore[attr-defined]
    columns = histories[0].columns() if histories else {}
    (folder / "figures").mkdir(exist_ok=True)
    with left_out(trainer, "a figure of the run", Error, OSError):
        for name, figure in draw_curves(columns):  # which loggers draw themselves
            _save(figure, folder / "figures" / f"{name}.png")
        for name, figure in draw_validation(predictions) if predictions else ():
            _save(figure, folder / "figures" / f"{name}.png")
            log_figure(trainer, name, figure, trainer.current_epoch, "val")
    page = write_page(folder)
    if (folder / FILE_NAME).is_file():
        log_file(trainer, folder / FILE_NAME)
    return page


def _save(figure: Figure, path: Path) -> None:
    with atomic_write(path) as draft:
        figure.savefig(draft, dpi=120)
