"""The program in processes of its own, which can be killed."""

import importlib
import os
import signal
from collections.abc import Callable
from itertools import count
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

# One server imports the libraries once, torch and Lightning too; each process is a fork of it
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["mnist_lightning.cli.trainer_command"])
PATIENCE = 60  # seconds
Prepare = Callable[[], None] | None


def start(folder: Path, arguments: list[str], prepare: Prepare = None) -> BaseProcess:
    """Start the program in a folder; its output goes to the files ``out`` and ``err`` there."""
    process = FORKS.Process(target=_run, args=(folder, arguments, prepare), daemon=True)
    process.start()
    return process


def end(process: BaseProcess) -> int | None:
    """Wait for a process; its exit code, or the negative number of the signal that killed it."""
    process.join(PATIENCE)
    if process.is_alive():
        process.kill()
        process.join()
        raise TimeoutError(f"still running after {PATIENCE} s")
    return process.exitcode


def signal_at(home: str, name: str, at: int, number: int = signal.SIGKILL) -> None:
    """Let a call of a function, counted from 0, send this process a signal first.

    Args:
        home: Module, or ``module:class``, of the function.
        name: Of the function.
        at: Which call.
        number: Of the signal.
    """
    module, _, kind = home.partition(":")
    owner: Any = importlib.import_module(module)
    owner = getattr(owner, kind) if kind else owner
    calls, original = count(), getattr(owner, name)

    def hooked(*args: Any, **kwargs: Any) -> Any:
        if next(calls) == at:
            os.kill(os.getpid(), number)
        return original(*args, **kwargs)

    setattr(owner, name, hooked)


def _run(folder: Path, arguments: list[str], prepare: Prepare) -> None:
    os.chdir(folder)
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    from mnist_lightning.__main__ import main

    if prepare:
        prepare()
    main(arguments)
