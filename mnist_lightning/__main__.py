"""``python -m mnist_lightning``, or ``mnist-lightning``."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING

from mnist_lightning import PROGRAM
from mnist_lightning.checkpoints.signals import (
    Stopped,
    restore_handlers,
    set_handlers,
    stop_at_once,
)
from mnist_lightning.cli.process import left_as_it_was

if TYPE_CHECKING:
    from mnist_lightning.checkpoints.runs import Run


def main(args: Sequence[str] | None = None) -> "Run | None":
    """Run the command line; loading its libraries takes seconds, and can be stopped too.

    Args:
        args: Arguments; the process is then left as it was. Default: those of the process.

    Returns:
        With arguments the run: its folder, metrics and checkpoint; None of a tool as ``export``.

    Raises:
        SystemExit: As ``program.run``.
    """
    if args is None and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # no console of Windows has all names
    handlers = set_handlers(stop_at_once)
    try:
        with nullcontext() if args is None else left_as_it_was():
            with suppress(OSError):  # a folder that was removed
                if not {"", os.getcwd()} & {*sys.path}:
                    sys.path.append(os.getcwd())  # for classes of the user, as with python -m
            from mnist_lightning.cli.program import run

            done = run(args)
        return done if args is not None else None  # what a process returns is its exit code
    except Stopped as stopped:
        if args is None:  # the process ends: a second signal may end it at once, without a word
            handlers = dict.fromkeys(handlers, signal.SIG_DFL)
        print(f"{PROGRAM}: {stopped}", file=sys.stderr)
        raise SystemExit(stopped.exit_code) from None
    finally:
        restore_handlers(handlers)


if __name__ == "__main__":
    main()
