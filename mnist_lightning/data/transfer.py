"""One file brought from a mirror."""

import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import requests
import urllib3
from tqdm import tqdm

TIMEOUT_SECONDS = 10.0  # without an answer, or with too slow a one
SLOWEST = 10_000  # bytes a second
CHUNK = 65_536  # bytes
REDIRECTS = 5


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
    """What a thread of its own reads: a mirror that never ends a header cannot hold us."""
    parts: Queue[bytes | Exception] = Queue(maxsize=4)
    Thread(target=_read, args=(url, parts), daemon=True).start()
    while True:
        try:
            part = parts.get(timeout=TIMEOUT_SECONDS)
        except Empty:
            raise OSError("no answer") from None
        if isinstance(part, Exception):
            raise part
        if not part:
            return
        yield part


def _read(url: str, parts: Queue[bytes | Exception]) -> None:
    """Put what a URL gives into a queue, and at its end no bytes or the error."""
    try:
        if urlsplit(url).scheme == "file":
            with open(url2pathname(urlsplit(url).path), "rb") as file:
                for part in iter(partial(file.read, CHUNK), b""):
                    parts.put(part)
        else:
            _read_http(url, parts)
        parts.put(b"")
    except urllib3.exceptions.HTTPError:
        parts.put(ValueError("broken off"))
    except (OSError, ValueError) as error:
        parts.put(error)


def _read_http(url: str, parts: Queue[bytes | Exception]) -> None:
    """Follow redirects by hand: requests would read their bodies, however long, to the end."""
    session = requests.Session()
    for _ in range(REDIRECTS + 1):
        request = session.prepare_request(requests.Request("GET", url))
        settings = session.merge_environment_settings(url, {}, True, None, None)
        adapter = session.get_adapter(url)  # http or https, nothing else
        with adapter.send(request, timeout=TIMEOUT_SECONDS, **settings) as response:
            if response.is_redirect:
                url = urljoin(url, response.headers["location"])
                continue
            response.raise_for_status()
            # as it comes, however slowly, and not unpacked
            read = partial(response.raw.read1, CHUNK, decode_content=False)
            for part in iter(read, b""):
                parts.put(part)
            return
    raise OSError("too many redirects")
