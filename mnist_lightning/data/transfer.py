"""Transfer of one file from a mirror, limited in size and time."""

import shutil
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO
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
    hidden = not sys.stderr.isatty()
    with target.open("wb") as file, tqdm(total=size, unit="B", disable=hidden) as bar:
        bounded = _BoundedFile(file, size)
        # a thread can be left behind, whatever it waits for: a pipe, a header that never ends
        thread = Thread(target=_copy, args=(url, bounded, bar, errors), daemon=True)
        thread.start()
        while thread.is_alive():
            before = bounded.written
            thread.join(TIMEOUT_SECONDS)
            if thread.is_alive() and bounded.written - before < SLOWEST * TIMEOUT_SECONDS:
                raise UnreachableError("too slow")
    if errors:
        reason = getattr(errors[0], "strerror", None) or type(errors[0]).__name__
        raise UnreachableError(reason) from errors[0]


class _BoundedFile:
    """File that refuses to grow beyond a size in bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.size, self.written = file, size, 0

    def write(self, data: bytes) -> int:
        self.written += len(data)
        if self.written > self.size:
            raise OSError(None, f"more than {self.size:,} bytes")
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


def _copy(url: str, file: _BoundedFile, bar: tqdm, errors: list[Exception]) -> None:
    try:
        if urlsplit(url).scheme == "file":
            with open(url2pathname(urlsplit(url).path), "rb") as source:
                shutil.copyfileobj(source, file, CHUNK)
        else:
            _download(url, file, bar)
    except Exception as error:  # the thread that waits raises it
        errors.append(error)


def _download(url: str, file: _BoundedFile, bar: tqdm) -> None:
    """Write the body of an answer as it was sent; follow redirects without reading their bodies."""
    with ExitStack() as responses:

        def hook(response: Any, **_: Any) -> None:
            responses.callback(response.close)  # pooch leaves it open where something fails
            response.raw.headers.pop("Content-Encoding", None)  # requests would unpack a .gz file
            if response.is_redirect:
                response.close()  # requests would read it to its end, which may not come

        options = {"timeout": TIMEOUT_SECONDS, "hooks": {"response": hook}}
        pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK, **options)(url, file, None)
