"""The TensorBoard logger of a run."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn
from torch.utils.tensorboard import SummaryWriter

from mnist_lightning.checkpoints.find import LOGS_DIR

FOLDERS = {"val": "validation"}  # other stages keep their names, as Keras has it


class RunLogger(TensorBoardLogger):
    """Write the curves as Keras does: training and validation on one chart, over epochs.

    ``train/loss`` becomes ``loss`` in the folder ``train``, ``val/loss`` becomes ``loss`` in
    ``validation``; names without a stage go to ``train``. The first epoch is 1. Names that end in
    ``_step`` are drawn over steps.

    Args:
        save_dir: Folder of all runs.
        name: Folder of runs of one kind; default: what the run trains on.
        version: Name of the run's folder, or N for ``version_N``; default: the next free N.
    """

    def __init__(
        self, save_dir: str = LOGS_DIR, name: str | None = None, version: int | str | None = None
    ) -> None:
        super().__init__(save_dir, name=name, version=version, default_hp_metric=False)
        self._writers: dict[str, SummaryWriter] = {}

    def set_name(self, name: str) -> None:
        """Name the runs' folder, unless it has a name."""
        self._name = self._name or name

    @property
    @rank_zero_experiment
    def experiment(self) -> SummaryWriter:
        """The writer of the training curves; the figures go there too."""
        return self.writer("train")

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write numbers; ``epoch``, which Lightning counts from 0, is the place on the x axis."""
        for name, value in metrics.items():
            if name == "epoch":
                continue
            stage, _, tag = name.rpartition("/")
            per_epoch = "epoch" in metrics and not name.endswith("_step")
            x = int(metrics["epoch"]) + 1 if per_epoch else step
            self.writer(stage or "train").add_scalar(tag, value, x)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is left and close the files."""
        if self._writers:
            with suppress(OSError):  # a full disk; hparams.yaml repeats what config.yaml has
                super().finalize(status)
        for writer in self._writers.values():
            writer.close()

    def writer(self, stage: str) -> SummaryWriter:
        """The writer of a stage's curves; of the whole run with an empty name."""
        if stage not in self._writers:
            folder = Path(self.log_dir, FOLDERS.get(stage, stage))
            self._writers[stage] = _PatientWriter(folder)
        return self._writers[stage]

    def _get_next_version(self) -> int:
        """Claim the next free folder by making it: of two runs started together each gets one."""
        version = super()._get_next_version()
        while getattr(rank_zero_only, "rank", 0) == 0:
            try:
                Path(self.root_dir, f"version_{version}").mkdir(parents=True)
                break
            except FileExistsError:
                version += 1
        return version


class _PatientWriter(SummaryWriter):
    """A writer whose full disk costs a warning, not the run."""

    def _get_file_writer(self) -> Any:
        writer = super()._get_file_writer()  # type: ignore[no-untyped-call]
        events = writer.event_writer
        if not hasattr(events, "patient"):
            events.patient = True
            for name in ("add_event", "flush", "close"):
                setattr(events, name, _patient(getattr(events, name)))
        return writer


def _patient(write: Callable[..., None]) -> Callable[..., None]:
    """Let a call that cannot write warn instead; Python shows the same warning once."""

    def attempt(*args: Any) -> None:
        try:
            write(*args)
        except OSError as error:
            rank_zero_warn(f"TensorBoard's files could not be written ({error.strerror})")

    return attempt
