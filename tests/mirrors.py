"""Mirrors on loopback, good ones and others."""

import gzip
import hashlib
import http.server
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mnist_lightning.data.download import FILES, PACKED_SIZES, SHA256

STALL = 1.0  # seconds; tests lower the program's patience below it
SIZES = {"train": 60_000, "t10k": 10_000}


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

    def answer(self, body: bytes, length: int | None = None, status: int = 200) -> None:
        """Send a body, with a length that need not be its own."""
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def redirect(self, place: str) -> None:
        self.send_response(302)
        self.send_header("Location", place)
        self.end_headers()

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
    for byte in mirror.body[:40]:
        mirror.wfile.write(bytes([byte]))
        mirror.wfile.flush()
        time.sleep(STALL / 20)


def _endless(mirror: Mirror) -> None:
    mirror.answer(b"")
    for _ in range(1000):
        mirror.wfile.write(mirror.body[:100_000])


def _reset(mirror: Mirror) -> None:
    linger = struct.pack("ii", 1, 0)  # the connection ends with RST
    mirror.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    mirror.connection.close()


def _stall_before(mirror: Mirror) -> None:
    time.sleep(STALL)


def _stall_after(mirror: Mirror) -> None:
    mirror.answer(b"", len(mirror.body))
    time.sleep(STALL)


def _garbage_headers(mirror: Mirror) -> None:
    mirror.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")


def _endless_headers(mirror: Mirror) -> None:
    mirror.send_response(200)
    for number in range(1000):
        mirror.send_header(f"X-{number}", "x" * 100)
    mirror.end_headers()


def _drip_headers(mirror: Mirror) -> None:
    for byte in b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 100:
        mirror.wfile.write(bytes([byte]))
        mirror.wfile.flush()
        time.sleep(STALL / 20)


def _redirect_endlessly(mirror: Mirror) -> None:
    mirror.send_response(302)
    mirror.send_header("Location", "/good/file")
    mirror.end_headers()
    for _ in range(1000):
        mirror.wfile.write(bytes(100_000))


STATUSES = ("403", "404", "429", "500", "503")
BEHAVIOURS: dict[str, Callable[[Mirror], None]] = {
    "good": lambda mirror: mirror.answer(mirror.body),
    "html": lambda mirror: mirror.answer(b"<html>Log in to the hotel's network</html>"),
    "empty": lambda mirror: mirror.answer(b"", 0),
    "cut_short": lambda mirror: mirror.answer(mirror.body[:10], len(mirror.body)),
    "length_too_small": lambda mirror: mirror.answer(mirror.body, len(mirror.body) // 2),
    "length_too_large": lambda mirror: mirror.answer(mirror.body, 10**12),
    "flipped": lambda mirror: mirror.answer(mirror.body[:-1] + b"?"),
    "longer": lambda mirror: mirror.answer(mirror.body + b"?"),
    "no_content": lambda mirror: mirror.answer(b"", status=204),
    "swapped": lambda mirror: mirror.answer(mirror.server.files[f"{FILES[1]}.gz"][::-1]),
    "bomb": lambda mirror: mirror.answer(gzip.compress(bytes(10**8), 1)),
    "endless": _endless,
    "drip": _drip,
    "stall_before": _stall_before,
    "stall_after": _stall_after,
    "reset": _reset,
    "garbage_headers": _garbage_headers,
    "endless_headers": _endless_headers,
    "drip_headers": _drip_headers,
    "redirect_with_a_body": _redirect_endlessly,
    "loop": lambda mirror: mirror.redirect(mirror.path),
    "to_file": lambda mirror: mirror.redirect("file:///etc/hostname"),
    "to_ftp": lambda mirror: mirror.redirect("ftp://127.0.0.1/x"),
}
GOOD = ("good", "redirect_with_a_body")
BAD = [*STATUSES, *(name for name in BEHAVIOURS if name not in GOOD)]


def stand_ins() -> dict[str, bytes]:
    """Files with the names and shapes of the official ones: unpacked, by name."""
    files = {}
    for prefix, size in SIZES.items():
        count = size.to_bytes(4, "big")
        side = (28).to_bytes(4, "big")
        images, labels = (name for name in FILES if name.startswith(prefix))
        pixels = bytes(784 - 10) + bytes(range(10))
        files[images] = bytes([0, 0, 8, 3]) + count + side * 2 + pixels * size
        files[labels] = bytes([0, 0, 8, 1]) + count + bytes(range(10)) * (size // 10)
    return files


def packed(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files as mirrors have them."""
    return {f"{name}.gz": gzip.compress(content, 1, mtime=0) for name, content in files.items()}


def take_for_official(hashes: dict[str, tuple[str, str]], sizes: dict[str, int]) -> None:
    """Let this process take files for the official ones."""
    SHA256.update(hashes)
    PACKED_SIZES.update(sizes)


def hashes_of(files: dict[str, bytes]) -> dict[str, tuple[str, str]]:
    """SHA-256 of files, packed and unpacked."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    archives = packed(files)
    return {
        name: (hashlib.sha256(archives[f"{name}.gz"]).hexdigest(), digests[name]) for name in files
    }
