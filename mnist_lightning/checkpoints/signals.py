"""SIGINT and SIGTERM."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal asked the program to stop; no library takes it for an error of its own."""

    def __init__(self, number: int, place: str = "") -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}{place}")
        self.exit_code = 128 + number  # as shells count


def stop_at_once(number: int, frame: FrameType | None) -> None:
    """Handle a signal by raising Stopped."""
    raise Stopped(number)


def set_handlers(handler: Callable[[int, FrameType | None], None]) -> dict[signal.Signals, Any]:
    """Let a function handle both signals; the handlers before. Only the main thread may."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, handler) for number in STOPS}


def restore_handlers(handlers: dict[signal.Signals, Any]) -> None:
    """Put back the handlers that ``set_handlers`` replaced."""
    for number, handler in handlers.items():
        signal.signal(number, handler)
