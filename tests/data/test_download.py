"""The official files over loopback HTTP and from a folder."""

from mnist_lightning.errors import DataError, UnreachableError
import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from torchvision.datasets import MNIST

from mnist_lightning.data.download import FILES, fetch_mnist, is_intact


@pytest.fixture
def server(mnist_dir: Path) -> Iterator[str]:
    """An HTTP mirror of the official files."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(mnist_dir))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()


def test_fetches_over_http_what_torchvision_reads(server: str, tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    fetch_mnist(raw, server)
    assert len(MNIST(str(tmp_path), train=False)) == 10_000
    left = {path.name for path in raw.iterdir()}
    assert left == {*FILES, *(f"{name}.gz" for name in FILES), ".lock"}, (
        "nothing half-written stays"
    )


def test_a_damaged_file_is_fetched_again(mnist_dir: Path, tmp_path: Path) -> None:
    fetch_mnist(tmp_path, mnist_dir.as_uri())
    victim = tmp_path / FILES[3]
    content = bytearray(victim.read_bytes())
    content[100] ^= 1
    victim.write_bytes(content)
    assert not is_intact(victim)
    (tmp_path / f"{FILES[3]}.gz").write_bytes(b"<html>not found</html>")
    fetch_mnist(tmp_path, mnist_dir.as_uri())
    assert is_intact(victim)


def test_a_damaged_file_that_cannot_be_fetched_is_named(tmp_path: Path) -> None:
    (tmp_path / FILES[0]).write_bytes(b"short")
    with pytest.raises(DataError, match=f"{FILES[0]} is damaged") as caught:
        fetch_mnist(tmp_path, (tmp_path / "nowhere").as_uri())
    assert not isinstance(caught.value, UnreachableError)


def test_a_mirror_that_sends_something_else_is_refused(tmp_path: Path) -> None:
    mirror, raw = tmp_path / "mirror", tmp_path / "raw"
    mirror.mkdir()
    raw.mkdir()
    (mirror / f"{FILES[0]}.gz").write_bytes(b"<html>welcome</html>")
    with pytest.raises(UnreachableError, match=f"{FILES[0]}.gz: ValueError at file:"):
        fetch_mnist(raw, mirror.as_uri())
    assert [path.name for path in raw.iterdir()] == [".lock"]
