"""Mirrors that do what they should not."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mirrors import serving

from mnist_lightning.data import transfer as module
from mnist_lightning.data.transfer import transfer

GOOD = b"0123456789" * 100
SIZE = len(GOOD)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on loopback, and little patience."""
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.3)
    with serving({"file": GOOD}) as server:
        yield server.url


def test_brings_the_bytes_as_they_are(mirror: str, tmp_path: Path) -> None:
    transfer(mirror + "good/file", tmp_path / "http", SIZE)
    transfer((tmp_path / "http").as_uri(), tmp_path / "file", SIZE)
    assert (tmp_path / "file").read_bytes() == GOOD


STATUSES = ("403", "404", "429", "500", "503")
BODIES = ("endless", "drip", "cut_short", "stall_before", "stall_after", "loop", "to_file")
HEADERS = ("drip_headers", "endless_headers", "garbage_headers")


@pytest.mark.parametrize("kind", [*STATUSES, *BODIES, *HEADERS])
def test_gives_up_in_time(mirror: str, kind: str, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises((OSError, ValueError)):
        transfer(f"{mirror}{kind}/file", tmp_path / "x", SIZE)
    assert time.monotonic() - started < 1.5
    assert (tmp_path / "x").stat().st_size <= SIZE


def test_follows_a_redirect_but_does_not_read_its_body(mirror: str, tmp_path: Path) -> None:
    transfer(f"{mirror}redirect_with_a_body/file", tmp_path / "x", SIZE)
    assert (tmp_path / "x").read_bytes() == GOOD


def test_an_endless_file_is_broken_off(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="more than 1,000 bytes"):
        transfer("file:///dev/zero", tmp_path / "x", SIZE)
