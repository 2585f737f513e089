"""Saves that are broken off or refused by the disk: a checkpoint is always there."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from itertools import count
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from conftest import TINY, Tally
from processes import FORKS, end

from mnist_lightning.__main__ import main
from mnist_lightning.checkpoints.archive import previous, read_archive
from mnist_lightning.checkpoints.checkpoint_io import SafeCheckpointIO
from mnist_lightning.errors import CheckpointError

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
SIZE = 50_000  # numbers in a checkpoint, 4 bytes each
# Function, and which of its calls in a save is refused
OPERATIONS = [(Path, "mkdir", 0), (Path, "open", 0), (os, "fsync", 0), (os, "replace", 0)]
OPERATIONS += [(os, "replace", 1)]
ERRORS = (errno.EIO, errno.EROFS, errno.EFBIG, errno.EMFILE, errno.ENOSPC, errno.EACCES)
FITS = [24 * 1024, 40 * 1024, 100 * 1024, 180 * 1024]
DISKS = [4096 * pages for pages in range(52, 212, 8)]  # one to four checkpoints fit


def save(number: int, path: Path) -> None:
    """Save a checkpoint of one number, as often as ``SIZE``."""
    content = {"state_dict": {"weight": torch.full((SIZE,), float(number))}}
    SafeCheckpointIO().save_checkpoint(content, path)


def number_in(path: Path) -> float | None:
    """The number of the checkpoint that is there, or of the one before it."""
    for file in (path, previous(path)):
        try:
            weight: torch.Tensor = read_archive(file)["state_dict"]["weight"]
            return weight[0].item()
        except CheckpointError:
            continue
    return None


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A checkpoint of a 2, and before it of a 1."""
    path = tmp_path / "checkpoints" / "last.ckpt"
    for number in (1, 2):
        save(number, path)
    return path


def save_and_die(path: Path, at: int) -> None:
    """Save a 3; die at an event, which is a call of a C function or its return."""
    events = count()

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        if event in ("c_call", "c_return", "c_exception") and next(events) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    module: Any = import_module("mnist_lightning.checkpoints.checkpoint_io")

    write = module.atomic_write

    def watched(*args: Any, **kwargs: Any) -> Any:
        sys.setprofile(profile)
        return write(*args, **kwargs)

    module.atomic_write = watched
    save(3, path)
    sys.setprofile(None)


def save_and_die_writing(path: Path, length: int) -> None:
    """Save a 3; the system kills the process when the file would be longer."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, resource.RLIM_INFINITY))
    save(3, path)


def run(target: Callable[..., None], *args: Any) -> BaseProcess:
    process = FORKS.Process(target=target, args=args, daemon=True)
    process.start()
    return process


def test_killed_before_and_after_every_call_of_a_save(
    saved: Path, full: bool, tally: Tally
) -> None:
    tried = survived = 0
    for at in range(0, 1000, 1 if full else 10):
        folder = saved.parent.with_name(str(at))
        shutil.copytree(saved.parent, folder)
        code = end(run(save_and_die, folder / saved.name, at))
        if code == 0:
            break
        assert code == -signal.SIGKILL
        tried += 1
        survived += number_in(folder / saved.name) in (2, 3)
    assert number_in(folder / saved.name) == 3
    tally("kill before and after every system call of a save", tried, survived, 0)


def test_killed_while_writing(saved: Path, full: bool, tally: Tally) -> None:
    lengths = range(0, 4 * SIZE, 4 * SIZE // (20 if full else 2))
    for length in lengths:
        assert end(run(save_and_die_writing, saved, length)) == -signal.SIGXFSZ
    tally("killed while writing", len(lengths), len(lengths) * (number_in(saved) == 2), 0)


def survives(saved: Path, trouble: AbstractContextManager[Any]) -> bool:
    """A save that is refused warns and leaves the checkpoint as it was."""
    with pytest.warns(UserWarning, match=r"could not be written .*training goes on"), trouble:
        save(3, saved)
    rest = {path.name for path in saved.parent.iterdir()} - {previous(saved).name}
    return rest == {saved.name} and number_in(saved) == 2


@contextmanager
def refusing(owner: Any, name: str, at: int, error: int) -> Iterator[None]:
    """Let a call of a function, counted from 0, fail with an error of the system."""
    calls, original = count(), getattr(owner, name)

    def refuses(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == at:
            raise OSError(error, os.strerror(error))
        return original(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, refuses)
        yield


@contextmanager
def limited(kind: int, value: int) -> Iterator[None]:
    """Lower a limit of the system for this process."""
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_an_operation_is_refused(saved: Path, error: int, tally: Tally) -> None:
    survived = [survives(saved, refusing(*operation, error)) for operation in OPERATIONS]
    save(4, saved)
    assert number_in(saved) == 4, "the next save is made"
    tally(f"storage: {errno.errorcode[error]} in a save", len(survived), sum(survived), 0)


def test_limits_of_the_system(saved: Path, tally: Tally) -> None:
    limits = [(resource.RLIMIT_FSIZE, size) for size in range(0, 4 * SIZE, 4 * SIZE // 20)]
    limits.append((resource.RLIMIT_NOFILE, 0))
    survived = [survives(saved, limited(*limit)) for limit in limits]
    tally("storage: limits of file size and open files", len(limits), sum(survived), 0)


def save_on_small_disks() -> None:
    """Fill disks of several sizes with checkpoints, then make them read-only; for ``unshare``."""
    survived = 0
    for size in DISKS:
        disk = Path("disk")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=True)
        for number in (1, 2, 3):
            save(number, disk / "last.ckpt")
        kept = number_in(disk / "last.ckpt")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        save(4, disk / "last.ckpt")
        survived += kept is not None and number_in(disk / "last.ckpt") == kept
        subprocess.run(["umount", disk], check=True)
    print(survived)


def fit_on_small_disks() -> None:
    """Run with the run's folder on disks too small for it; for ``unshare``."""
    Path("logs").mkdir()
    for size in FITS:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", "logs"], check=True)
        main(["fit", *TINY, "--trainer.max_epochs", "40", "--checkpoint.every_n_train_steps", "1"])
        subprocess.run(["umount", "logs"], check=True)


def test_disks_that_are_full_and_read_only(tmp_path: Path, full: bool, tally: Tally) -> None:
    if not full:
        pytest.skip("in full only")
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no disks can be mounted here")
    (tmp_path / "disk").mkdir()
    done = mounting("save_on_small_disks", tmp_path)
    tally("storage: disks of 20 sizes, full, then read-only", 20, int(done.stdout), 0)
    done = mounting("fit_on_small_disks", tmp_path)
    ends = done.stdout.count(" 40/40 ")
    tally("storage: whole runs on disks too small", len(FITS), ends - done.stderr.count("Trace"), 0)


def mounting(function: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a function of this file where disks can be mounted."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = f"import test_saves; test_saves.{function}()"
    command = ["unshare", "-rm", sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done
