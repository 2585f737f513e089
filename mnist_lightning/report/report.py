"""The report of a run: counts, scores, figures and its page, one file that needs no other."""

import json
import shlex
import time
from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_warn
from matplotlib.figure import Figure

from mnist_lightning.checkpoints.run_folder import RunFolder, run_folder
from mnist_lightning.checkpoints.shown import left_out, only_shows, say
from mnist_lightning.data.datamodule import TITLES, attached_data
from mnist_lightning.errors import Error, OutputError
from mnist_lightning.files import atomic_write
from mnist_lightning.report import summary
from mnist_lightning.report.closing import closing_lines, named
from mnist_lightning.report.collector import PredictionCollector, Predictions
from mnist_lightning.report.figures import draw_curves, draw_test, draw_validation
from mnist_lightning.report.history import History
from mnist_lightning.report.loggers import log_figure, log_file
from mnist_lightning.report.progress_bar import doing
from mnist_lightning.report.scores import describe_pair

FILE_NAME = "report.html"
# What a file of the run may cause whose content is not what it should be
DAMAGED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


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


def write_page(folder: Path) -> str:
    """Write the page from the files in a run's folder; say where it is, or what failed."""
    path = folder / FILE_NAME
    try:
        text = render_page(folder)
    except (OSError, TemplateError, *DAMAGED):
        return f"{path} is not written anew: a file of the run is missing or damaged"
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return named("Page", path)


def render_page(folder: Path) -> str:
    """Render the page as HTML; all text that comes from the run is escaped."""
    loader = FileSystemLoader(Path(__file__).parent)
    jinja = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    jinja.filters.update(
        base64=lambda path: b64encode(path.read_bytes()).decode(),
        scores=lambda digit: map(summary.cell, digit.values()),
        confusion=lambda pair: (describe_pair(*list(pair.values())[:2]), pair["count"]),
    )
    metrics = {"figures": folder / "validation/metrics.json", "test": folder / "test/metrics.json"}
    found = {part: json.loads(path.read_bytes()) for part, path in metrics.items() if path.exists()}
    config = folder.resolve() / "config.yaml"
    # the command that repeats the run does not tell where on this machine it lies
    base = Path.cwd() if config.is_relative_to(Path.cwd()) else config.parents[1]
    older = dict.fromkeys(("date", "recipe", "machine")) | {"changed": {}}  # 0.1 wrote none
    return jinja.get_template("page.html.j2").render(
        run=folder.resolve(),
        config=shlex.quote(config.relative_to(base).as_posix()) if config.is_file() else None,
        summary=older | json.loads((folder / "summary.json").read_bytes()),
        titles=TITLES,
        warning=summary.WARNING,
        # of evaluations on the same images the later one
        evaluations={scores["images"]: (part, scores) for part, scores in found.items()},
    )
