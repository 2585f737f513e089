"""The server of the page to draw on: what it answers, and whom it refuses."""

import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from mnist_lightning.handwriting import sketchpad
from mnist_lightning.handwriting.sketchpad import MOST_BYTES, Sketchpad


@pytest.fixture
def pad() -> Iterator[Sketchpad]:
    """A server whose answer is how many bytes it was sent."""
    with Sketchpad(0, "<p>page é</p>", lambda drawing: {"bytes": len(drawing)}) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def request(pad: Sketchpad, method: str, path: str, **headers: str) -> tuple[int, str]:
    """Status and content of what is answered to a request, whose body is three bytes."""
    connection = HTTPConnection("127.0.0.1", pad.server_address[1], timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, b"abc" if method == "POST" else None, named)
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, content


def test_page_and_answer(pad: Sketchpad) -> None:
    assert request(pad, "GET", "/") == (200, "<p>page é</p>")
    status, content = request(pad, "POST", "/digit")
    assert (status, json.loads(content)) == (200, {"bytes": 3})
    assert request(pad, "POST", "/digit", Origin=pad.url.rstrip("/"))[0] == 200
    assert request(pad, "GET", "/", Host=pad.names[1])[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
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
        ("POST", "/digit", {"Content_Length": str(MOST_BYTES + 1)}, 413),
        ("POST", "/digit", {"Content_Length": "9" * 5000}, 413),
    ],
)
def test_refused(
    pad: Sketchpad, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    assert request(pad, method, path, **headers)[0] == status


def test_this_machine_alone(pad: Sketchpad) -> None:
    assert pad.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("sent", [b"", b"POST /digit HTTP/1.1\r\n", b"x"])
def test_a_slow_request_is_cut(
    pad: Sketchpad, sent: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sketchpad, "SECONDS", 0.3)
    with socket.create_connection(pad.server_address, timeout=20) as connection:  # type: ignore[arg-type]
        connection.sendall(sent)
        dripping = threading.Event()

        def drip() -> None:
            while not dripping.wait(0.05):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert connection.recv(1) == b""
        except ConnectionResetError:
            pass
        finally:
            dripping.set()
            thread.join()
    assert request(pad, "GET", "/")[0] == 200, "and the next is served"
    assert capsys.readouterr().err == ""


def test_a_slow_body_is_cut(pad: Sketchpad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketchpad, "SECONDS", 0.3)
    with socket.create_connection(pad.server_address, timeout=20) as connection:  # type: ignore[arg-type]
        host = pad.url.split("/")[2]
        connection.sendall(f"POST /digit HTTP/1.1\r\nHost: {host}\r\n".encode())
        connection.sendall(b"Content-Length: 9\r\n\r\nabc")  # no answer to half a drawing
        assert connection.recv(1) == b""
