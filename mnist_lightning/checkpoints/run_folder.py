"""The folder of a run."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from lightning import Callback, Trainer
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_only

from mnist_lightning.data.datamodule import data_name


class RunFolder(Callback):
    """Give each run a folder of its own, whatever the logger.

    A logger that makes one gives it; otherwise the next free ``ROOT/NAME/version_N`` is made, where
    the name is what the run trains on. A ``fast_dev_run`` has none, nor has a run that neither logs
    nor keeps checkpoints.

    Args:
        root: Folder of all runs, outside which no logger's counts; default: the trainer's
            ``default_root_dir``, and a logger's anywhere.
    """

    def __init__(self, root: str | None = None) -> None:
        self.root = root
        self.name = ""  # default: by the trainer's data module
        self.path: Path | None = None
        self._trainer: Trainer | None = None  # whose run it is

    @classmethod
    def attach(cls, trainer: Trainer) -> "RunFolder":
        """Find the trainer's, or add one to its callbacks; to be called on every rank."""
        callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
        if found := next((each for each in callbacks if isinstance(each, cls)), None):
            return found
        # last, as Lightning may be going through the list
        callbacks.append(added := cls())
        added.setup(trainer)
        return added

    def setup(self, trainer: Trainer, *_: Any, **__: Any) -> None:
        """Find the folder of a fit, the same one on all ranks."""
        if trainer.state.fn == TrainerFn.FITTING:
            self.path = trainer.strategy.broadcast(self.claim(trainer))
            self._trainer = trainer

    def claim(self, trainer: Trainer) -> Path | None:
        """Find the folder on the first rank, where that is not done yet."""
        if self._trainer is not trainer and trainer.is_global_zero:
            self.path, self._trainer = self._find(trainer), trainer
        return self.path

    def _find(self, trainer: Trainer) -> Path | None:
        keeps = trainer.loggers or trainer.checkpoint_callbacks
        if trainer.fast_dev_run or not keeps:  # type: ignore[attr-defined]
            return None
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger | CSVLogger):
                folder = Path(logger.log_dir)
                if not self.root or folder.resolve().parent.parent == Path(self.root).resolve():
                    return folder
        name = self.name or data_name(trainer) or "runs"
        kind = Path(self.root or trainer.default_root_dir, name)
        return kind / f"version_{claim_version(kind)}"


def run_folder(trainer: Trainer) -> Path | None:
    """The folder of the run, None where it has none; to be called on every rank."""
    return RunFolder.attach(trainer).path


def claim_version(kind: Path) -> int:
    """Claim the next free ``version_N`` by making it, so that two at once get one each."""
    taken = [path.name.removeprefix("version_") for path in kind.glob("version_*")]
    version = max((int(number) for number in taken if number.isdecimal()), default=-1) + 1
    if getattr(rank_zero_only, "rank", 0) != 0:  # Lightning gives the others the first one's
        return version
    kind.mkdir(parents=True, exist_ok=True)
    while True:
        with suppress(FileExistsError):
            Path(kind, f"version_{version}").mkdir()
            return version
        version += 1
