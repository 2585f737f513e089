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
ROOM = 76  # columns that all of it takes
BAR = 20  # of them; a line that is full would break where the terminal echoes ^C


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
        self._told = 0.0  # when it was told of a batch last

    def configure_columns(self, trainer: Trainer) -> list[ProgressColumn]:
        """As many as the terminal has room for; the metrics are added to them."""
        _, bar, count, *_ = super().configure_columns(trainer)
        if get_console().width < ROOM:
            return [_Stage(self), count]
        bar.bar_width = BAR
        return [_Stage(self), bar, count, TimeRemainingColumn(compact=True)]

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """Metrics without the run's number, and without those that the table has."""
        found, left_out = super().get_metrics(trainer, pl_module), {"v_num", *LOGGED.values()}
        return {name: value for name, value in found.items() if name not in left_out}

    def print(self, *args: Any, **kwargs: Any) -> None:
        """Print above the bar; what is longer than a line is left to the terminal to break."""
        if self.is_enabled:
            get_console().print(*args, **kwargs, soft_wrap=True, markup=False, highlight=False)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin."""
        self._training = True
        super().on_train_start(trainer, pl_module)

    def on_train_batch_end(self, trainer: Trainer, *args: Any) -> None:
        """Go on, as often as the bar is drawn; more would only take time from the steps."""
        if self.is_enabled and (trainer.is_last_batch or self._is_due()):
            super().on_train_batch_end(trainer, *args)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the terminal to what is said of the run."""
        self._training = False
        self.teardown(trainer, pl_module, "fit")

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Go on; within an epoch in its own line.

        A second line there could go just when one is printed, and rich would erase one too many.
        """
        if not self._training:
            super().on_validation_batch_end(
                trainer, pl_module, outputs, batch, batch_idx, dataloader_idx
            )
        elif batch_idx == 0 or self._is_due():
            self._count(batch_idx + 1, self.total_val_batches_current_dataloader)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the terminal, unless training goes on."""
        super().on_validation_end(trainer, pl_module)
        if self._training:
            self._count(trainer.fit_loop.batch_idx + 1, self.total_train_batches)
        if not self._training and not trainer.sanity_checking:
            self.teardown(trainer, pl_module, "validate")

    def _count(self, done: int, total: float) -> None:
        """Count batches in the line of the epoch."""
        if self.progress and self.train_progress_bar_id is not None:
            self.progress.update(self.train_progress_bar_id, completed=done, total=total)

    def _is_due(self) -> bool:
        """Whether the time has come to draw the bar again; it is noted."""
        now = time.monotonic()
        due = now - self._told >= 1 / self.refresh_rate
        self._told = now if due else self._told
        return due

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
        if words.plain.startswith("epoch "):
            trainer = self._bar.trainer
            words = Text("validating" if trainer.validating else f"epoch {format_epoch(trainer)}")
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
