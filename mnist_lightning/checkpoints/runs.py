"""Runs: what one came to, and which checkpoint is meant by ``--ckpt_path``."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_lightning.checkpoints.archive import previous
from mnist_lightning.checkpoints.checkpoint import WEIGHTS, Checkpoint, read_checkpoint
from mnist_lightning.errors import CheckpointError, UnknownClassError
from mnist_lightning.models import pretrained

if TYPE_CHECKING:
    from mnist_lightning.checkpoints.checkpoint import Kind

LOGS_DIR = "logs"  # folder of all runs
PRETRAINED = "pretrained"  # names the network that comes with the package
NAMES = (None, "last", "best")  # that mean the newest run's


@dataclass(frozen=True)
class Run:
    """What a command that has a trainer came to.

    Attributes:
        folder: Of the run; None where it has none.
        metrics: The last ones, by the names that they are logged by.
        checkpoint: Of a fit the best, or else the last; otherwise the one that was read.
    """

    folder: Path | None
    metrics: dict[str, float]
    checkpoint: Path | None


def open_network(
    wanted: str | None, logs_dir: str = LOGS_DIR, kind: "Kind | None" = None
) -> Checkpoint:
    """As ``open_checkpoint``; None: of the newest run on real images, or else ``pretrained``.

    A run on generated digits answers only where it is asked for.
    """
    if wanted is not None or kind:
        return open_checkpoint(wanted, logs_dir, kind)
    for number, run in enumerate(_newest_first(logs_dir)):
        if path := _checkpoint_of(run, ("best", "last")):
            try:
                checkpoint = _read_sound(path, None)
            except CheckpointError:
                if number:
                    continue  # only of the newest run does one ask why it does not answer
                raise
            if checkpoint.source().name != "synthetic":
                return checkpoint
    return open_pretrained(logs_dir)


def open_checkpoint(
    wanted: str | None, logs_dir: str = LOGS_DIR, kind: "Kind | None" = None
) -> Checkpoint:
    """Read a path, ``pretrained``, or ``last`` or ``best`` of the newest run.

    None: the newest run's best, or else its last, or else ``pretrained``. Where a run's own is
    damaged or missing, the one before it is taken, and a line says so; a CheckpointError if there
    is none, or none that is sound. ``kind`` is as in ``read_checkpoint``.
    """
    if wanted == PRETRAINED or (wanted is None and not kind and not has_runs(logs_dir)):
        return open_pretrained(logs_dir)
    path = find_checkpoint(wanted, logs_dir)
    return _read_sound(path, kind) if wanted in NAMES else read_checkpoint(path, kind)


def open_pretrained(logs_dir: str = LOGS_DIR) -> Checkpoint:
    """The network that comes with the package, as a checkpoint of a run in ``pretrained``."""
    weights, arguments = pretrained.read_pretrained()
    content = {
        "state_dict": {WEIGHTS + name: weight for name, weight in weights.items()},
        "hyper_parameters": arguments,
        "pytorch-lightning_version": version("lightning"),
    }
    accuracy = pretrained.read_card()["accuracy"]
    note = f"Network: the one that comes with the package, {accuracy:.2%} right on MNIST"
    folder = Path(logs_dir, PRETRAINED)
    return Checkpoint(
        pretrained.FILE, content, arguments, {"source": "mnist"}, note=note, results=folder
    )


def find_checkpoint(wanted: str | None, logs_dir: str = LOGS_DIR) -> Path:
    """Find the file of the checkpoint that is meant, as ``open_checkpoint``; it may be damaged."""
    if wanted not in NAMES:
        if not os.path.isfile(wanted):  # False for a too long name, too
            raise CheckpointError(f"ckpt_path is {wanted}: there is no such file")
        return Path(wanted)
    stems = (wanted,) if wanted else ("best", "last")
    for run in _newest_first(logs_dir):
        if path := _checkpoint_of(run, stems):
            return path
        break
    none = f"no checkpoint {wanted or 'of a run'} under {logs_dir}"
    raise CheckpointError(f"{none}: run fit first, or give --ckpt_path")


def has_runs(logs_dir: str = LOGS_DIR) -> bool:
    """Whether a run under this folder has kept a checkpoint."""
    return any(_newest_first(logs_dir))


def _newest_first(logs_dir: str) -> Iterator[Path]:
    """Folders of checkpoints, that with the newest file first."""
    files = []
    for path in Path(logs_dir).glob("*/*/checkpoints/[!.]*.ckpt"):  # no draft of a save under way
        with suppress(OSError):  # just replaced
            files.append((path.stat().st_mtime, path))
    yield from dict.fromkeys(path.parent for _, path in sorted(files, reverse=True))


def _checkpoint_of(folder: Path, stems: tuple[str, ...]) -> Path | None:
    paths = [folder / f"{stem}.ckpt" for stem in stems]
    return next((p for p in paths if p.is_file() or previous(p).is_file()), None)


def _read_sound(path: Path, kind: "Kind | None") -> Checkpoint:
    """Read a run's checkpoint, or the one before it where that is damaged or missing."""
    try:
        return read_checkpoint(path, kind)
    except CheckpointError as error:
        if isinstance(error, UnknownClassError) or not previous(path).is_file():
            raise
        checkpoint = read_checkpoint(previous(path), kind)
        print(f"{error}; the one before it is used", flush=True)
        return checkpoint
