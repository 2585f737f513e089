"""The program: its commands, and how it ends."""

import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mnist_lightning import PROGRAM, __version__
from mnist_lightning.cli.allocator import keep_freed_memory
from mnist_lightning.cli.commands import TOOLS
from mnist_lightning.cli.help import help_page
from mnist_lightning.cli.known_options import check_options, options_of, part_positional
from mnist_lightning.errors import Error, UsageError, printable

if TYPE_CHECKING:
    from mnist_lightning.checkpoints.runs import Run

LINE = 200  # characters of an error, at most
# Options with which predict needs no Trainer
PICTURES = {"--data.predict_path", "--data.recursive", "--data.save_inputs", "--ckpt_path"}


def run(args: Sequence[str] | None = None) -> "Run | None":
    """Run the command line, by default with the arguments of the process; None of a tool.

    Raises:
        SystemExit: With code 0 after a page of help; else with one line on stderr and code 2 for a
            command or file that cannot be used, 3 for data, 4 for a checkpoint, 5 for training that
            cannot go on.
        Stopped: By SIGINT or SIGTERM.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in arguments or bool(os.environ.get("MNIST_LIGHTNING_DEBUG"))
    if args is None:  # the process is ours
        keep_freed_memory()
    try:
        return _run([argument for argument in arguments if argument != "--debug"])
    except BrokenPipeError:  # whoever read the output has enough of it
        # as Python's documents have it: what is left in the buffer goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except (Error, OSError) as error:
        reason = str(error)
        if isinstance(error, OSError):  # a folder that cannot be written, a full disk
            debug |= not error.errno
            reason = f"{error.filename or 'writing'}: {error.strerror}"
        if debug:
            raise
        line = printable(f"{PROGRAM}: error: {' '.join(reason.split())}")
        if len(line) > LINE:  # what is named first and what is allowed, last, stay
            half = (LINE - len(" ... ")) // 2
            line = f"{line[:half]} ... {line[-half:]}"
        print(line, file=sys.stderr)
        raise SystemExit(getattr(error, "exit_code", Error.exit_code)) from None


def _run(arguments: list[str]) -> "Run | None":
    """Answer what needs no library at once; load for the rest what it needs."""
    if arguments == ["--version"]:
        print(f"{PROGRAM} {__version__}")
        raise SystemExit(0)
    if page := help_page(arguments):
        print(page)
        raise SystemExit(0)
    arguments = ["--help" if each == "--help-all" else each for each in arguments]
    command = arguments[0]
    check_options(command, arguments[1:])
    if command in TOOLS or (command == "predict" and _reads_pictures(arguments[1:])):
        from mnist_lightning.cli.tools import run_tool

        return run_tool(command, arguments[1:])
    if command == "predict" and (pictures := part_positional(arguments[1:])[0]):
        hint = f"did you mean --data.predict_path {pictures[0]}?"
        raise UsageError(f"unrecognized arguments: {' '.join(pictures)}; {hint}")
    from mnist_lightning.cli.trainer_command import run_command

    return run_command(arguments)


def _reads_pictures(arguments: list[str]) -> bool:
    """Whether predict gets pictures, and no option that only a Trainer knows."""
    given = dict(options_of(arguments))
    one_dash = any(re.match(r"-[A-Za-z]", argument) for argument in arguments)
    place = given.get("--data.predict_path", "")
    named = place not in ("", "null") or part_positional(arguments)[0]
    return bool(named) and given.keys() <= PICTURES and not one_dash
