"""Files known by SHA-256, from mirrors that have others or do what they should not."""

import gzip
import hashlib
import os
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import mirrors
import pytest

from mnist_lightning.data import download
from mnist_lightning.data.download import KnownFile, fetch, filling, has_digest, transfer
from mnist_lightning.errors import DataError, UnreachableError

CONTENT = b"0123456789" * 100
LARGE = CONTENT * 1000
PACKED = gzip.compress(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KNOWN = KnownFile(len(PACKED), hashlib.sha256(PACKED).hexdigest(), SHA256)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the file belongs, beside a mirror that has it and one that has another."""
    for name, packed in (("good", PACKED), ("bad", gzip.compress(b"<html>welcome</html>"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.gz").write_bytes(packed)
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def urls(folder: Path, *names: str) -> list[str]:
    return [folder.with_name(name).as_uri() for name in names]


def test_the_first_mirror_that_has_the_file_gives_it(folder: Path) -> None:
    fetch(folder / "file", KNOWN, urls(folder, "none", "bad", "good"))
    assert (folder / "file").read_bytes() == CONTENT
    assert has_digest(folder / "file", SHA256)
    assert len(list(folder.iterdir())) == 1, "nothing half-written stays"


def test_what_is_replaced_stays_under_another_name(folder: Path) -> None:
    (folder / "file").write_bytes(b"damaged")
    (folder / "file.gz").write_bytes(b"another's")
    fetch(folder / "file", KNOWN, urls(folder, "good"))
    assert (folder / "file").read_bytes() == CONTENT
    assert (folder / "file.damaged").read_bytes() == b"damaged"
    assert (folder / "file.gz").read_bytes() == b"another's"


def test_the_reason_of_each_mirror_is_named_without_its_password(folder: Path) -> None:
    places = ["http://bob:secret@127.0.0.1:9/", *urls(folder, "bad")]
    with pytest.raises(UnreachableError) as caught:
        fetch(folder / "file", KNOWN, places)
    reasons = f"file.gz: ConnectionError at 127.0.0.1:9, wrong SHA-256 at {places[1]}"
    assert str(caught.value) == reasons
    assert not list(folder.iterdir())


def test_a_damaged_file_that_cannot_be_fetched_is_named(folder: Path) -> None:
    (folder / "file").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"file is damaged, and file.gz: No such file") as caught:
        fetch(folder / "file", KNOWN, urls(folder, "none"))
    assert not isinstance(caught.value, UnreachableError)
    assert (folder / "file").read_bytes() == b"damaged"


def test_only_drafts_of_ours_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".draft-1/x").mkdir(parents=True)
    for name in (".draft-2", "tmpscript01"):
        (tmp_path / name).touch()
    with filling(tmp_path):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "tmpscript01"}


@pytest.mark.parametrize("error", [DataError, KeyboardInterrupt])
def test_a_folder_made_in_vain_is_removed(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), filling(tmp_path / "data" / "raw"):
        raise error
    assert not list(tmp_path.iterdir())
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine").touch()
    with pytest.raises(error), filling(tmp_path / "data" / "raw"):
        raise error
    assert [path.name for path in tmp_path.glob("data/*")] == ["mine"]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.3)


@pytest.fixture(scope="module")
def mirror() -> Iterator[str]:
    """A server on loopback."""
    import_module("requests")  # else pooch does it, in the time of the first download
    with mirrors.serving({"file": LARGE}) as server:
        yield server.url


@pytest.mark.parametrize("kind", mirrors.GOOD)
def test_brings_the_bytes_as_they_are(mirror: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(transfer(f"{mirror}{kind}/file", len(LARGE)))
    assert transfer((tmp_path / "file").as_uri(), len(LARGE)) == LARGE


@pytest.mark.parametrize("kind", [kind for kind in mirrors.BAD if kind not in mirrors.WRONG])
def test_gives_up_in_time(mirror: str, kind: str) -> None:
    started = time.monotonic()
    with pytest.raises(UnreachableError) as caught:
        transfer(f"{mirror}{kind}/file".replace("//", "//bob:secret@"), len(LARGE))
    assert time.monotonic() - started < 1.5
    assert "secret" not in str(caught.value)


def test_an_endless_file_is_broken_off() -> None:
    with pytest.raises(UnreachableError, match="more than 1,000,000 bytes"):
        transfer("file:///dev/zero", len(LARGE))


def test_a_pipe_that_nobody_fills_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreachableError, match="too slow"):
        transfer((tmp_path / "pipe").as_uri(), len(LARGE))
