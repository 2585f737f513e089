"""``python -m mnist_lightning``, or ``mnist-lightning``."""

import os
import signal
import sys
from collections.abc import Sequence

from mnist_lightning.checkpoints.signals import (
    Stopped,
    restore_handlers,
    set_handlers,
    stop_at_once,
)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; loading its libraries takes seconds, and can be stopped too.

    Args:
        args: Arguments; default: those of the process.

    Raises:
        SystemExit: As ``program.run``.
    """
    if not {"", os.getcwd()} & {*sys.path}:
        sys.path.append(os.getcwd())  # for classes of the user, as with python -m
    handlers = set_handlers(stop_at_once)
    try:
        from mnist_lightning.cli.program import run

        run(args)
    except Stopped as stopped:
        if args is None:  # the process ends: a second signal may end it at once, without a word
            handlers = dict.fromkeys(handlers, signal.SIG_DFL)
        print(f"mnist-lightning: {stopped}", file=sys.stderr)
        raise SystemExit(stopped.exit_code) from None
    finally:
        restore_handlers(handlers)


if __name__ == "__main__":
    main()
