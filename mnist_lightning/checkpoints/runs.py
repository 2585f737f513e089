"""Runs: what one came to, and which checkpoint is meant by ``--ckpt_path``."""

import os
from dataclasses import dataclass
from pathlib import Path

from mnist_lightning.checkpoints.checkpoint import Checkpoint, Kind, read_checkpoint
from mnist_lightning.checkpoints.checkpoint_io import previous
from mnist_lightning.errors import CheckpointError, UnknownClassError

LOGS_DIR = "logs"  # folder of all runs
NAMES = (None, "last", "best")  # that mean the newest run's


@dataclass(frozen=True)
class Run:
    """What a command that has a trainer came to."""

    folder: Path | None  # of the run; None where it has none
    metrics: dict[str, float]  # the last ones, by the names that they are logged by
    checkpoint: Path | None  # of a fit the best, or else the last; otherwise the one that was read


def open_checkpoint(
    wanted: str | None, logs_dir: str = LOGS_DIR, kind: Kind | None = None
) -> Checkpoint:
    """Read a path, or ``last`` or ``best`` of the newest run; None: its best, or else its last.

    Where a run's own is damaged or missing, the one before it is taken, and a line says so; a
    CheckpointError if there is none, or none that is sound. ``kind`` is as in ``read_checkpoint``.
    """
    path = find_checkpoint(wanted, logs_dir)
    try:
        return read_checkpoint(path, kind)
    except CheckpointError as error:
        if (
            isinstance(error, UnknownClassError)
            or wanted not in NAMES
            or not previous(path).is_file()
        ):
            raise
        checkpoint = read_checkpoint(previous(path), kind)
        print(f"{error}; the one before it is used", flush=True)
        return checkpoint


def find_checkpoint(wanted: str | None, logs_dir: str = LOGS_DIR) -> Path:
    """Find the file of the checkpoint that is meant, as ``open_checkpoint``; it may be damaged."""
    if wanted not in NAMES:
        if not os.path.isfile(wanted):  # False for a too long name, too
            raise CheckpointError(f"ckpt_path is {wanted}: there is no such file")
        return Path(wanted)
    found = Path(logs_dir).glob("*/*/checkpoints/*.ckpt")
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    for stem in (wanted,) if wanted else ("best", "last"):
        path = newest and newest.with_name(f"{stem}.ckpt")
        if path and (path.is_file() or previous(path).is_file()):
            return path
    none = f"no checkpoint {wanted or 'of a run'} under {logs_dir}"
    raise CheckpointError(f"{none}: run fit first, or give --ckpt_path")
