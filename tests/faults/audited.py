"""Run the program, and write down what it starts, connects to and writes.

Usage: python audited.py REPORT ARGUMENT ...; before, the package is imported, and help asked for.
"""

import atexit
import importlib
import os
import runpy
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

STARTS = {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork", "os.spawn"}
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.chmod"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
events: list[str] = []


def note(event: str, args: tuple[Any, ...]) -> None:
    """Write down an event of https://docs.python.org/3/library/audit_events.html."""
    if event in STARTS:
        events.append(f"start {args[0]}")
    elif event == "socket.connect":
        events.append(f"connect {args[1]}")
    elif event in CHANGES or (event == "open" and (args[2] or 0) & WRITING):
        path = args[0] if isinstance(args[0], str | bytes | os.PathLike) else "/dev/null"
        events.append(f"write {os.path.abspath(os.fsdecode(path))}")


def report(path: Path) -> None:
    """Write the report."""
    lines = list(events)
    path.write_text("".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    atexit.register(report, Path(sys.argv[1]).absolute())
    sys.addaudithook(note)
    arguments = sys.argv[2:]
    importlib.import_module("mnist_lightning")
    assert not events, events
    for sys.argv[1:] in (["--help"], arguments):
        with suppress(SystemExit):
            runpy.run_module("mnist_lightning", run_name="__main__", alter_sys=True)
