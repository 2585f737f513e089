"""The server of the page to draw on: what it answers, and whom it refuses."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from typing import Any

import pytest

from mnist_lightning.handwriting import server as module
from mnist_lightning.handwriting.server import ANY, HOST, MAX_BYTES, DrawingServer, own_address


@pytest.fixture
def server() -> Iterator[DrawingServer]:
    """A server whose answer is how many bytes it was sent."""
    with serving(HOST) as running:
        yield running


@contextmanager
def serving(host: str) -> Iterator[DrawingServer]:
    answer: Any = lambda drawing: {"bytes": len(drawing)}  # noqa: E731
    with DrawingServer(0, "<p>page é</p>", answer, host) as running:
        threading.Thread(target=running.serve_forever, args=[0.01]).start()
        try:
            yield running
        finally:
            running.shutdown()


def request(server: DrawingServer, method: str, path: str, **headers: str) -> tuple[int, str]:
    """Status and content of what is answered to a request, whose body is three bytes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with closing(HTTPConnection(HOST, server.port, timeout=20)) as connection:
        connection.request(method, path, b"abc" if method == "POST" else None, named)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_page_and_answer(server: DrawingServer) -> None:
    assert request(server, "GET", "/") == (200, "<p>page é</p>")
    assert server.socket.getsockname()[0] == "127.0.0.1", "this machine alone"
    assert server.url == f"http://127.0.0.1:{server.port}/"
    own = server.url.rstrip("/")
    assert request(server, "POST", "/digit", Origin=own) == (200, '{"bytes": 3}')
    assert request(server, "GET", "/", Host=f"localhost:{server.port}")[0] == 200


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


def test_a_network_needs_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "own_address", lambda: "192.0.2.7")
    with serving(ANY) as server, serving(ANY) as other:
        address, _, token = server.url.removeprefix("http://").removesuffix("/").partition("/")
        assert address == f"192.0.2.7:{server.port}"
        assert len(token) >= 22, "128 bits"
        assert token not in other.url, "new each time"
        assert request(server, "GET", f"/{token}/") == (200, "<p>page é</p>")
        assert request(server, "POST", f"/{token}/digit") == (200, '{"bytes": 3}')
        assert request(server, "GET", f"/{token}/other")[0] == 404
        for path in ("/", "/digit", f"/{token[:-1]}/", f"/{token}", f"/{token.swapcase()}/"):
            for method in ("GET", "POST"):
                assert request(server, method, path)[0] == 403, path
        for headers in (
            {"Host": f"evil.example:{server.port}"},  # a name that was turned to this address
            {"Host": address},  # not where the connection came to
            {"Origin": "https://evil.example"},
        ):
            assert request(server, "GET", f"/{token}/", **headers)[0] == 403, headers


def test_an_address_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.socket()) as own:
        own.bind((own_address(), 0))  # that of another machine could not be bound

    def unreachable(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    assert own_address() == HOST


HALF = "POST /digit HTTP/1.1\r\nHost: {}\r\nContent-Length: 999\r\n\r\nabc"


@pytest.mark.parametrize("sent", ["", "x", "POST /digit HTTP/1.1\r\n", HALF])
def test_a_slow_request_is_cut(
    server: DrawingServer, sent: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """However it drips; and half a drawing has no answer."""
    monkeypatch.setattr(module, "SECONDS", 0.3)
    dripping = threading.Event()
    with socket.create_connection(server.socket.getsockname(), timeout=20) as connection:
        connection.sendall(sent.format(f"{HOST}:{server.port}").encode())

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
