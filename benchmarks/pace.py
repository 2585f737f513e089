"""The pace of a contender: it runs some steps, says how long they took, and waits for its turn."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any


class Pace:
    """Count steps in a contender's training; every so many, report and wait.

    The contender is started with two more file descriptors, in ``PACE``: one to read turns from and
    one to write reports to. It ends when no more turns come.

    Args:
        steps: Training steps of one turn, at least.
        wait: Returns once all steps are done, where they are only asked for.
    """

    def __init__(self, steps: int, wait: Callable[[], None] | None = None) -> None:
        read, write = map(int, os.environ["PACE"].split(","))
        self._turns, self._reports = os.fdopen(read), os.fdopen(write, "w")
        self.steps = steps
        self.wait = wait
        self._count = self._told = 0
        self._started = time.perf_counter()

    def tick(self) -> None:
        """Note that a step is done; the first is a turn of its own."""
        self._count += 1
        steps = self._count - self._told
        if not self._told or steps >= self.steps:
            self._told = self._count
            if self.wait:
                self.wait()
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            seconds = time.perf_counter() - self._started
            self._report({"seconds": seconds, "steps": steps, "mib": memory})
            if not self._turns.readline():
                sys.stdout.flush()
                os._exit(0)
            self._started = time.perf_counter()

    def _report(self, report: dict[str, Any]) -> None:
        print(json.dumps(report), file=self._reports, flush=True)
