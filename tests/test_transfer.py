"""Mirrors that do what they should not."""

import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_lightning import transfer as module
from mnist_lightning.transfer import transfer

GOOD = b"0123456789" * 100
SIZE = len(GOOD)


class Mirror(http.server.BaseHTTPRequestHandler):
    """Answers as the path says."""

    def do_GET(self) -> None:
        kind = self.path.strip("/")
        if kind == "stall_before":
            time.sleep(1)
            return
        if kind.isdigit():
            self.send_error(int(kind))
            return
        redirects = {"loop": "/loop", "to_file": "file:///etc/hostname"}
        self.send_response(302 if kind in redirects else 200)
        self.send_header("Location", redirects.get(kind, ""))
        if kind == "cut_short":
            self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        self.send_body(kind)

    def send_body(self, kind: str) -> None:
        if kind == "good":
            self.wfile.write(GOOD)
        elif kind == "cut_short":
            self.wfile.write(GOOD[:10])
        elif kind == "stall_after":
            time.sleep(1)
        for _ in range({"endless": 1000, "drip": 40}.get(kind, 0)):
            self.wfile.write(GOOD if kind == "endless" else b"x")
            self.wfile.flush()
            time.sleep(0.05 if kind == "drip" else 0)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class QuietServer(http.server.ThreadingHTTPServer):
    """Clients that hang up are what is tested."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on loopback, and little patience."""
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.3)
    with QuietServer(("127.0.0.1", 0), Mirror) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_brings_the_bytes_as_they_are(mirror: str, tmp_path: Path) -> None:
    transfer(mirror + "good", tmp_path / "http", SIZE)
    transfer((tmp_path / "http").as_uri(), tmp_path / "file", SIZE)
    assert (tmp_path / "file").read_bytes() == GOOD


STATUSES = ("403", "404", "429", "500", "503")
BODIES = ("endless", "drip", "cut_short", "stall_before", "stall_after", "loop", "to_file")


@pytest.mark.parametrize("kind", [*STATUSES, *BODIES])
def test_gives_up_in_time(mirror: str, kind: str, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises((OSError, ValueError)):
        transfer(mirror + kind, tmp_path / "x", SIZE)
    assert time.monotonic() - started < 1.5
    assert (tmp_path / "x").stat().st_size <= SIZE


def test_an_endless_file_is_broken_off(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="more than 1,000 bytes"):
        transfer("file:///dev/zero", tmp_path / "x", SIZE)
