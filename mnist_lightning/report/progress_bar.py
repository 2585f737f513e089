"""The progress bar."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.callbacks.progress.rich_progress import RichProgressBarTheme
from rich import get_console
from rich.progress import ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text

from mnist_lightning.report.history import LOGGED, format_epoch

THEME = RichProgressBarTheme(metrics_format=".4f", metrics="")
NARROW = 60  # columns of a terminal that has no room for the bar itself


class ProgressBar(RichProgressBar):
    """Show the epoch, counted from 1, and what it comes to so far; gone when its work is done.

    What the table of epochs says is not repeated.

    Args:
        refresh_rate: How often it is drawn, a second; each time keeps the training from a core.
        leave: Leave the bar of each epoch on the terminal.
        theme: Its colours.
        console_kwargs: Arguments of rich's Console.
    """

    def __init__(
        self,
        refresh_rate: int = 2,
        leave: bool = False,
        theme: RichProgressBarTheme = THEME,
        console_kwargs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(refresh_rate, leave, theme, console_kwargs)
        self.leave = leave
        self._training = False
        self._metrics: dict[str, Any] = {}
        self._looked = 0.0  # when the metrics were looked up last

    def configure_columns(self, trainer: Trainer) -> list[ProgressColumn]:
        """As many as the terminal has room for; the metrics are added to them."""
        _, bar, count, *_ = super().configure_columns(trainer)
        wide = get_console().width >= NARROW
        return [_Stage(self), *([bar] if wide else []), count, TimeRemainingColumn(compact=True)]

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """Metrics without the run's number, looked up as often as the bar is drawn."""
        now = time.monotonic()
        if now - self._looked >= 1 / self.refresh_rate:
            found = super().get_metrics(trainer, pl_module)
            left_out = {"v_num", *LOGGED.values()}
            self._metrics = {name: each for name, each in found.items() if name not in left_out}
            self._looked = now
        return self._metrics

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Print above the bar; what is longer than a line is left to the terminal to break."""
        if self.is_enabled:
            get_console().print(*args, **kwargs, soft_wrap=True, markup=False, highlight=False)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin, with nothing known of an earlier run."""
        self._training, self._metrics, self._looked = True, {}, 0.0
        super().on_train_start(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the terminal to what is said of the run."""
        self._training = False
        self.teardown(trainer, pl_module, "fit")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the terminal, unless training goes on."""
        super().on_validation_end(trainer, pl_module)
        if not self._training and not trainer.sanity_checking:
            self.teardown(trainer, pl_module, "validate")

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the terminal to the scores."""
        super().on_test_end(trainer, pl_module)
        self.teardown(trainer, pl_module, "test")

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the terminal to the predictions."""
        self.teardown(trainer, pl_module, "predict")

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave the terminal."""
        self._training = False
        self.teardown(trainer, pl_module, "")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Take the bar off the terminal; the next start of anything brings it back."""
        if self.progress:
            self.progress.live.transient = not self.leave
        super().teardown(trainer, pl_module, stage)


class _Stage(ProgressColumn):
    """The epoch and how many there will be, or what else is done."""

    def __init__(self, bar: ProgressBar) -> None:
        self._bar = bar
        super().__init__()

    def render(self, task: Task) -> Text:
        """Write it as wide as ``validation``, so that nothing moves when that comes."""
        words = Text.from_markup(task.description.lower())
        if task.id == self._bar.train_progress_bar_id:
            words = Text(f"epoch {format_epoch(self._bar.trainer)}")
        words.pad_right(max(0, len("validation") - len(words)))
        return words


@contextmanager
def doing(trainer: Trainer, words: str) -> Iterator[None]:
    """Say what is done for as long as it takes, where our bar shows what goes on."""
    bar = trainer.progress_bar_callback
    if not isinstance(bar, ProgressBar) or not bar.is_enabled:
        yield
        return
    bar.teardown(trainer, trainer.lightning_module, "")
    with get_console().status(words, refresh_per_second=4):
        yield
