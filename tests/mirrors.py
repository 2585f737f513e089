"""Mirrors on loopback, good ones and others."""

import gzip
import http.server
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from mnist_lightning.data.datasets import MNIST
from mnist_lightning.data.download import KnownFile
from mnist_lightning.data.source import Source

STALL = 1.0  # seconds; tests lower the program's patience below it
SIZES = {"train": 100, "t10k": 50}


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves ``BEHAVIOUR/NAME``."""

    server: "Server"
    body = b""  # of the file that was asked for

    def do_GET(self) -> None:
        behaviour, _, name = self.path.strip("/").rpartition("/")
        self.server.requests.append(name)
        self.server.asked.set()
        self.server.go.wait()
        self.body = self.server.files.get(name, b"")
        if behaviour.isdigit():
            self.send_error(int(behaviour))
        else:
            BEHAVIOURS[behaviour](self)

    def answer(
        self, body: bytes, length: int | None = None, status: int = 200, **headers: str
    ) -> None:
        """Send a body, with a length that need not be its own."""
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self, body: bytes) -> None:
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(STALL / 20)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Holds what its mirror serves, and counts what was asked for."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Mirror)
        self.files = files
        self.requests: list[str] = []
        self.asked, self.go = threading.Event(), threading.Event()
        self.go.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what is tested."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Server]:
    """A server of packed files, by name."""
    with Server(files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def _drip(mirror: Mirror) -> None:
    mirror.answer(b"")
    mirror.drip(mirror.body[:40])


def _slow_end(mirror: Mirror) -> None:
    mirror.answer(mirror.body[:-40])
    mirror.drip(mirror.body[-40:])


def _endless(mirror: Mirror) -> None:
    mirror.answer(b"")
    for _ in range(1000):
        mirror.wfile.write(mirror.body[:100_000])


def _reset(mirror: Mirror) -> None:
    linger = struct.pack("ii", 1, 0)  # the connection ends with RST
    mirror.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    mirror.connection.close()


def _stall_after(mirror: Mirror) -> None:
    mirror.answer(b"", len(mirror.body))
    time.sleep(STALL)


def _endless_headers(mirror: Mirror) -> None:
    mirror.send_response(200)
    for number in range(1000):
        mirror.send_header(f"X-{number}", "x" * 100)
    mirror.end_headers()


def _redirect_endlessly(mirror: Mirror) -> None:
    mirror.answer(b"", status=302, Location=f"/good/{mirror.path.rpartition('/')[2]}")
    mirror.drip(bytes(100))


STATUSES = ("403", "404", "429", "500", "503")
BEHAVIOURS: dict[str, Callable[[Mirror], object]] = {
    "good": lambda mirror: mirror.answer(mirror.body),
    "encoded": lambda mirror: mirror.answer(mirror.body, Content_Encoding="x-gzip"),
    "html": lambda mirror: mirror.answer(b"<html>Log in to the hotel's network</html>"),
    "empty": lambda mirror: mirror.answer(b"", 0),
    "cut_short": lambda mirror: mirror.answer(mirror.body[:10], len(mirror.body)),
    "length_too_small": lambda mirror: mirror.answer(mirror.body, len(mirror.body) // 2),
    "length_too_large": lambda mirror: mirror.answer(mirror.body, 10**12),
    "flipped": lambda mirror: mirror.answer(mirror.body[:-1] + b"?"),
    "longer": lambda mirror: mirror.answer(mirror.body + b"?"),
    "no_content": lambda mirror: mirror.answer(b"", status=204),
    "reversed": lambda mirror: mirror.answer(mirror.body[::-1]),
    "bomb": lambda mirror: mirror.answer(gzip.compress(bytes(10**8), 1)),
    "endless": _endless,
    "drip": _drip,
    "slow_end": _slow_end,
    "stall_before": lambda mirror: time.sleep(STALL),
    "stall_after": _stall_after,
    "reset": _reset,
    "garbage_headers": lambda mirror: mirror.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "endless_headers": _endless_headers,
    "drip_headers": lambda mirror: mirror.drip(b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 20),
    "redirect_with_a_body": _redirect_endlessly,
    "loop": lambda mirror: mirror.answer(b"", status=302, Location=mirror.path),
    "to_file": lambda mirror: mirror.answer(b"", status=302, Location="file:///etc/hostname"),
    "to_ftp": lambda mirror: mirror.answer(b"", status=302, Location="ftp://127.0.0.1/x"),
}
# of these the content alone tells
WRONG = ("bomb", "html", "empty", "flipped", "reversed", "no_content", "length_too_small")
GOOD = ("good", "encoded", "redirect_with_a_body")
BAD = [*STATUSES, *(name for name in BEHAVIOURS if name not in GOOD)]


def stand_ins(seed: int = 0, classes: int = 10, **names: str) -> dict[str, bytes]:
    """Small files with MNIST's names and layout, or others: unpacked, by name."""
    draw, files = random.Random(seed), {}
    for split, size in SIZES.items():
        count, side = size.to_bytes(4, "big"), (28).to_bytes(4, "big")
        pixels, labels = draw.randbytes(784 * size), bytes(draw.choices(range(classes), k=size))
        name = names.get(split, split)
        files[f"{name}-images-idx3-ubyte"] = bytes([0, 0, 8, 3]) + count + side * 2 + pixels
        files[f"{name}-labels-idx1-ubyte"] = bytes([0, 0, 8, 1]) + count + labels
    return files


def packed(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files as mirrors have them."""
    return {f"{name}.gz": gzip.compress(content, 1, mtime=0) for name, content in files.items()}


def known(files: dict[str, bytes]) -> dict[str, KnownFile]:
    """What a table says of files."""
    archives = zip(packed(files).values(), files.items(), strict=True)
    return {
        name: KnownFile(len(archive), sha256(archive).hexdigest(), sha256(content).hexdigest())
        for archive, (name, content) in archives
    }


def stand_in(files: dict[str, bytes], *mirrors: str, source: Source = MNIST) -> Source:
    """A source that takes files for MNIST's, or for another's."""
    sizes = dict(zip(source.sizes, SIZES.values(), strict=True))
    return replace(source, files=known(files), sizes=sizes, mirrors=mirrors)


def write(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
