"""The table of epochs, printed and as ``history.csv``."""

import csv
import time
from typing import Any

from lightning import Callback, Trainer
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

    def on_fit_start(self, trainer: Trainer, *_: Any) -> None:
        """Write the rows of the run that is resumed."""
        if self.rows:
            self._write(trainer)

    def on_train_start(self, *_: Any) -> None:
        """Start the clock, of an epoch under way too."""
        self._started = time.perf_counter()

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start the clock."""
        self._before, self._started, self._validated = 0.0, time.perf_counter(), False

    def on_validation_end(self, *_: Any) -> None:
        """Note that the validation metrics are of this epoch."""
        self._validated = True

    def on_train_epoch_end(self, trainer: Trainer, *_: Any) -> None:
        """Add the epoch's row, print it and write the file."""
        epoch, seconds = trainer.current_epoch + 1, round(self._seconds(), 3)
        fresh = [name for name in LOGGED if self._validated or not name.startswith("val_")]
        found = {name: trainer.callback_metrics.get(LOGGED[name]) for name in fresh}
        row = {name: value.item() for name, value in found.items() if value is not None}
        self.rows.append({"epoch": epoch, **row, "seconds": seconds})
        of = f"/{trainer.max_epochs}" if (trainer.max_epochs or -1) > 0 else ""
        metrics = [f"{name} {value:.4f}" for name, value in row.items()]
        say(trainer, "  ".join([f"epoch {epoch}{of}", *metrics, f"{seconds:.1f} s"]))
        self._write(trainer)

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
