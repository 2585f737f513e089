"""Transfer of one file from a mirror, limited in size and time."""

import shutil
import sys
from contextlib import ExitStack
from functools import partial
from io import BufferedWriter, FileIO
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch
from tqdm import tqdm

from mnist_lightning.errors import UnreachableError

TIMEOUT_SECONDS = 10.0
SLOWEST = 10_000  # bytes a second, on average over TIMEOUT_SECONDS
CHUNK = 65_536  # bytes


def transfer(url: str, target: Path, size: int) -> None:
    """Download an http or https URL, or copy a file URL, within limits of size and time.

    Args:
        url: Address of the file.
        target: File to write.
        size: Most bytes to accept.

    Raises:
        UnreachableError: The mirror fails, sends more bytes, or is too slow. The text gives the
            reason alone: the address may hold a password.
    """
    errors: list[Exception] = []
    bar = tqdm(total=size, unit="B", unit_scale=True, disable=not sys.stderr.isatty())
    with _BoundedFile(FileIO(target, "w")) as file, bar:
        file.limit = size
        # a thread can be left behind, whatever it waits for: a pipe, a header that never ends
        thread = Thread(target=_copy, args=(url, file, bar, errors), daemon=True)
        thread.start()
        while thread.is_alive():
            before = file.tell()
            thread.join(TIMEOUT_SECONDS)
            if thread.is_alive() and file.tell() - before < SLOWEST * TIMEOUT_SECONDS:
                raise UnreachableError("too slow")
    if errors:
        reason = getattr(errors[0], "strerror", None) or type(errors[0]).__name__
        raise UnreachableError(reason) from errors[0]


class _BoundedFile(BufferedWriter):
    """File that refuses to grow beyond ``limit`` bytes."""

    limit: int

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self.limit:
            raise OSError(None, f"more than {self.limit:,} bytes")
        return super().write(data)


def _copy(url: str, file: _BoundedFile, bar: tqdm, errors: list[Exception]) -> None:
    """Write what a URL gives; an error goes to the thread that waits."""
    try:
        with ExitStack() as opened:
            if urlsplit(url).scheme == "file":
                source = opened.enter_context(open(url2pathname(urlsplit(url).path), "rb"))
                shutil.copyfileobj(source, file, CHUNK)
            else:
                hooks = {"response": partial(_leave_as_sent, opened)}
                options = {"chunk_size": CHUNK, "timeout": TIMEOUT_SECONDS, "hooks": hooks}
                pooch.HTTPDownloader(progressbar=bar, **options)(url, file, None)
    except Exception as error:
        errors.append(error)


def _leave_as_sent(opened: ExitStack, response: Any, **_: Any) -> None:
    """Hook of requests, called before it unpacks a body or follows a redirect."""
    opened.callback(response.close)  # pooch leaves it open where something fails
    response.raw.headers.pop("Content-Encoding", None)  # some servers mark .gz files as encoded
    if response.is_redirect:
        response.close()  # requests would read the body first, which may be endless
