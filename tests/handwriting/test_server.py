"""The server of the page to draw on: what it answers, and whom it refuses."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from typing import Any

import pytest

from mnist_lightning.handwriting import server as module
from mnist_lightning.handwriting.server import MAX_BYTES, DrawingServer


@pytest.fixture
def server() -> Iterator[DrawingServer]:
    """A server whose answer is how many bytes it was sent."""
    with DrawingServer(0, "<p>page é</p>", lambda drawing: {"bytes": len(drawing)}) as running:
        threading.Thread(target=running.serve_forever, args=[0.01]).start()
        yield running
        running.shutdown()


def request(server: DrawingServer, method: str, path: str, **headers: str) -> tuple[int, str]:
    """Status and content of what is answered to a request, whose body is three bytes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)) as connection:
        connection.request(method, path, b"abc" if method == "POST" else None, named)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_page_and_answer(server: DrawingServer) -> None:
    assert request(server, "GET", "/") == (200, "<p>page é</p>")
    assert server.socket.getsockname()[0] == "127.0.0.1", "this machine alone"
    own = server.url.rstrip("/")
    assert request(server, "POST", "/digit", Origin=own) == (200, '{"bytes": 3}')
    assert request(server, "GET", "/", Host=server.names[1])[0] == 200


def test_refused(server: DrawingServer) -> None:
    for method, path, headers, status in [
        ("GET", "/", {"Host": "evil.example"}, 403),  # a name that was turned to 127.0.0.1
        ("GET", "/", {"Host": "127.0.0.1:1"}, 403),
        ("POST", "/digit", {"Origin": "https://evil.example"}, 403),
        ("POST", "/digit", {"Origin": "null"}, 403),
        ("GET", "/../pyproject.toml", {}, 404),
        ("GET", "/digit?", {}, 404),
        ("POST", "/", {}, 404),
        ("PUT", "/digit", {}, 501),
        ("POST", "/digit", {"Content_Length": "-1"}, 411),
        ("POST", "/digit", {"Content_Length": "three"}, 411),
        ("POST", "/digit", {"Content_Length": str(MAX_BYTES + 1)}, 413),
        ("POST", "/digit", {"Content_Length": "9" * 5000}, 413),
    ]:
        assert request(server, method, path, **headers)[0] == status, (method, path, headers)


HALF = "POST /digit HTTP/1.1\r\nHost: {}\r\nContent-Length: 999\r\n\r\nabc"


@pytest.mark.parametrize("sent", ["", "x", "POST /digit HTTP/1.1\r\n", HALF])
def test_a_slow_request_is_cut(
    server: DrawingServer, sent: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """However it drips; and half a drawing has no answer."""
    monkeypatch.setattr(module, "SECONDS", 0.3)
    dripping = threading.Event()
    with socket.create_connection(server.socket.getsockname(), timeout=20) as connection:
        connection.sendall(sent.format(server.names[0]).encode())

        def drip() -> None:
            with suppress(OSError):
                while not dripping.wait(0.05):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        dripping.set()
        thread.join()
    assert request(server, "GET", "/")[0] == 200, "and the next is served"
    assert capsys.readouterr().err == ""
