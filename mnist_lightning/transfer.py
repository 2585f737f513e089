"""One file brought from a mirror."""

import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
import urllib3
from tqdm import tqdm

TIMEOUT_SECONDS = 10.0  # without an answer, or with too slow a one
SLOWEST = 10_000  # bytes a second
CHUNK = 65_536  # bytes


def transfer(url: str, target: str | Path, size: int) -> None:
    """Copy a file from a URL, giving up early on a mirror that will not come to an end.

    Args:
        url: Address, http, https or file.
        target: Where the bytes go, as they are.
        size: Bytes to expect; what is longer is broken off.

    Raises:
        OSError: The mirror answers with an error, sends more than it should, or is slower than
            10 kB a second.
        ValueError: The connection broke; worth another try.
    """
    started, received = time.monotonic(), 0
    bar = tqdm(total=size, unit="B", unit_scale=True, disable=not sys.stderr.isatty())
    with open(target, "wb") as file, bar:
        for chunk in _chunks(url):
            received += len(chunk)
            seconds = time.monotonic() - started
            if received > size:
                raise OSError(f"more than {size:,} bytes")
            if seconds > TIMEOUT_SECONDS and received < seconds * SLOWEST:
                raise OSError("too slow")
            file.write(chunk)
            bar.update(len(chunk))


def _chunks(url: str) -> Iterator[bytes]:
    if urlsplit(url).scheme == "file":
        with open(url2pathname(urlsplit(url).path), "rb") as file:
            yield from iter(partial(file.read, CHUNK), b"")
        return
    with requests.get(url, stream=True, timeout=TIMEOUT_SECONDS) as response:
        response.raise_for_status()
        # as it comes, however slowly, and not unpacked
        read = partial(response.raw.read1, CHUNK, decode_content=False)
        try:
            yield from iter(read, b"")
        except urllib3.exceptions.HTTPError as error:
            raise ValueError("broken off") from error
