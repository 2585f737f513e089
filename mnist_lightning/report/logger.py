"""The TensorBoard logger of a run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from os.path import expanduser, expandvars
from pathlib import Path

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn
from torch.utils.tensorboard import SummaryWriter

from mnist_lightning.checkpoints.run_folder import claim_version
from mnist_lightning.checkpoints.runs import LOGS_DIR

FOLDERS = {"val": "validation"}  # other stages keep their names, as Keras has it
# A group of their own: TensorBoard orders groups by name, and accuracy and loss come first, then
# pictures
GROUPS = {"images_per_second": "training", "lr": "training"}


class RunLogger(TensorBoardLogger):
    """Write the curves as Keras does: training and validation on one chart, over epochs.

    ``train/loss`` becomes ``loss`` in the folder ``train``, ``val/loss`` becomes ``loss`` in
    ``validation``; names without a stage go to ``train``. Learning rate and speed are below them,
    in the group ``training``. The first epoch is 1. Names that end in ``_step`` are drawn over
    steps.

    Args:
        save_dir: Folder of all runs.
        name: Folder of runs of one kind; default: what the run trains on.
        version: Name of the run's folder, or N for ``version_N``; default: the next free N.
    """

    def __init__(
        self, save_dir: str = LOGS_DIR, name: str | None = None, version: int | str | None = None
    ) -> None:
        super().__init__(expanduser(expandvars(save_dir)), default_hp_metric=False)
        self._kind = name or ""
        self._run = version
        self._writers: dict[str, SummaryWriter] = {}

    @property
    def name(self) -> str:
        """Folder of the runs of one kind."""
        return self._kind

    def set_name(self, name: str) -> None:
        """Name the runs' folder, unless it has a name."""
        self._kind = self._kind or name

    @property
    def version(self) -> int | str:
        """Name or number of the run; the first use claims the next free folder."""
        if self._run is None:
            self._run = claim_version(Path(self.root_dir))
        return self._run

    @property
    @rank_zero_experiment
    def experiment(self) -> SummaryWriter:
        """The writer of the training curves; figures go there too."""
        return self.writer("train")

    def writer(self, stage: str) -> SummaryWriter:
        """The writer of a stage's curves."""
        if stage not in self._writers:
            self._writers[stage] = PatientWriter(Path(self.log_dir, FOLDERS.get(stage, stage)))
        return self._writers[stage]

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write metrics; ``epoch``, which Lightning counts from 0, is the place on the x axis."""
        values = dict(metrics)
        epoch = values.pop("epoch", None)
        for name, value in values.items():
            stage, _, tag = name.rpartition("/")
            group = f"{GROUPS[tag]}/" if tag in GROUPS else ""
            x = step if epoch is None or name.endswith("_step") else int(epoch) + 1
            self.writer(stage or "train").add_scalar(f"{group}{tag}", value, x)

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Write what is left and close the files."""
        if self._writers:
            with suppress(OSError):  # a full disk; hparams.yaml repeats what config.yaml has
                super().finalize(status)
        for writer in self._writers.values():
            writer.close()


@contextmanager
def warned() -> Iterator[None]:
    """Have a full disk cost a warning, which Python shows once, not the run."""
    try:
        yield
    except OSError as error:
        rank_zero_warn(f"TensorBoard's files could not be written ({error.strerror})")


class PatientWriter(SummaryWriter):
    """SummaryWriter whose full disk costs a warning, not the run."""


for _name, _method in vars(SummaryWriter).items():
    if _name.startswith(("add_", "flush", "close")):
        setattr(PatientWriter, _name, warned()(_method))
