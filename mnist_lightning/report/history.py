"""The table of epochs, printed and as ``history.csv``."""

import csv
import time
from typing import Any

from lightning import Callback, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_warn

from mnist_lightning.checkpoints.run_folder import run_folder
from mnist_lightning.checkpoints.shown import only_shows, say
from mnist_lightning.errors import OutputError
from mnist_lightning.files import atomic_write

LOGGED = {
    "loss": "train/loss",
    "accuracy": "train/accuracy",
    "val_loss": "val/loss",
    "val_accuracy": "val/accuracy",
}
COLUMNS = ("epoch", *LOGGED, "seconds")
# Characters of each column on the terminal, for epochs and losses in the thousands
WIDTHS = dict(zip(COLUMNS, (9, 9, 8, 9, 12, 8), strict=True))
VALIDATION_STARTS = 9 + 2 + 9 + 2 + 8  # the column after those of training


@only_shows
class History(Callback):
    """Print the metrics of each epoch and keep them in ``history.csv`` in the run's folder.

    Epochs count from 1; ``seconds`` is the epoch's wall time with its validation. A resumed run
    goes on with the rows of its checkpoint, and with the seconds of the epoch under way. What was
    not measured stays empty.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self._before = self._started = 0.0  # seconds of this epoch in the interrupted run; clock
        self._validated = False
        self._training = False
        self._headed = False  # whether the names of the columns are printed

    def on_fit_start(self, trainer: Trainer, *_: Any) -> None:
        """Write the rows of the run that is resumed."""
        self._headed = False
        if self.rows:
            self._write(trainer)

    def on_train_start(self, *_: Any) -> None:
        """Start the clock, of an epoch under way too."""
        self._started, self._training = time.perf_counter(), True

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start the clock."""
        self._before, self._started, self._validated = 0.0, time.perf_counter(), False

    def on_validation_end(self, trainer: Trainer, *_: Any) -> None:
        """Take the validation metrics into the epoch's row; after training, into the last one."""
        fitted = trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking
        if fitted and self.rows and not self._training:
            metrics = _measured(trainer, "val/")
            self.rows[-1].update(metrics)
            self._print(trainer, format_end(metrics))
            self._write(trainer)
        self._validated = True

    def on_train_epoch_end(self, trainer: Trainer, *_: Any) -> None:
        """Add the epoch's row, print it and write the file."""
        epoch, seconds = trainer.current_epoch + 1, round(self._seconds(), 3)
        metrics = _measured(trainer, "train/")
        if self._validated:
            metrics |= _measured(trainer, "val/")
        # an epoch that was ended early has a row already, if the run went on in it
        self.rows = [row for row in self.rows if row["epoch"] != epoch]
        self.rows.append({"epoch": epoch, **metrics, "seconds": seconds})
        self._print(trainer, format_row(format_epoch(trainer), metrics, f"{seconds:.1f}"))
        self._write(trainer)

    def on_train_end(self, *_: Any) -> None:
        """Note that a validation which follows is of the last epoch."""
        self._training = False

    def columns(self) -> dict[str, list[float]]:
        """The columns that every epoch has, by name."""
        names = [name for name in COLUMNS if all(name in row for row in self.rows)]
        return {name: [row[name] for row in self.rows] for name in names}

    def state_dict(self) -> dict[str, Any]:
        """Keep the rows, and the seconds of this epoch."""
        return {"rows": self.rows, "seconds": self._seconds()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the rows and the seconds of the checkpoint, whoever wrote it."""
        for row in state_dict["rows"]:
            numbers = all(isinstance(value, int | float) for value in row.values())
            if not numbers or not {"epoch", "seconds"} <= row.keys() <= set(COLUMNS):
                raise ValueError("a row of its history is none")
        self.rows = [dict(row) for row in state_dict["rows"]]
        self._before = float(state_dict.get("seconds", 0.0))

    def _seconds(self) -> float:
        return self._before + time.perf_counter() - self._started

    def _print(self, trainer: Trainer, row: str) -> None:
        if not self._headed:
            header = "  ".join(f"{name:>{width}}" for name, width in WIDTHS.items())
            say(trainer, f"\n{header}")
            self._headed = True
        say(trainer, row)

    def _write(self, trainer: Trainer) -> None:
        folder = run_folder(trainer)
        if folder is None or not trainer.is_global_zero:
            return
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with atomic_write(folder / "history.csv") as draft, draft.open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(self.rows)
        except OutputError as error:  # the rows are in the checkpoint too
            rank_zero_warn(str(error))


def _measured(trainer: Trainer, stage: str) -> dict[str, float]:
    """The metrics of a stage that the trainer has, by their columns."""
    logged = trainer.callback_metrics
    names = {name: key for name, key in LOGGED.items() if key.startswith(stage) and key in logged}
    return {name: logged[key].item() for name, key in names.items()}


def format_epoch(trainer: Trainer) -> str:
    """The epoch under way, counted from 1, and how many there will be, if that is known."""
    epoch, most = trainer.current_epoch + 1, trainer.max_epochs or -1
    return f"{min(epoch, most)}/{most}" if most > 0 else str(epoch)


def format_row(epoch: str, metrics: dict[str, float], seconds: str) -> str:
    """A line of the table; a dash stands for what was not measured."""
    cells = {"epoch": epoch, "seconds": seconds}
    cells |= {name: f"{value:.4f}" for name, value in metrics.items()}
    return "  ".join(f"{cells.get(name, '-'):>{width}}" for name, width in WIDTHS.items())


def format_end(metrics: dict[str, float]) -> str:
    """The line of a validation after the last epoch, under its columns."""
    row = format_row("", metrics, "").rstrip()
    words = f"{'after the last step':>{VALIDATION_STARTS}}"
    return words + row[VALIDATION_STARTS:]
