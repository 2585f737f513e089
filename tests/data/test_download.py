"""Files known by SHA-256, from folders and from mirrors that have others."""

import gzip
import hashlib
from pathlib import Path

import pytest

from mnist_lightning.data.download import KnownFile, fetch, filling, has_sha256
from mnist_lightning.errors import DataError, UnreachableError

CONTENT = b"0123456789" * 100
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


def mirrors(folder: Path, *names: str) -> list[str]:
    return [folder.with_name(name).as_uri() for name in names]


def test_the_first_mirror_that_has_the_file_gives_it(folder: Path) -> None:
    fetch(folder / "file", KNOWN, mirrors(folder, "none", "bad", "good"))
    assert (folder / "file").read_bytes() == CONTENT
    assert has_sha256(folder / "file", SHA256)
    assert len(list(folder.iterdir())) == 1, "nothing half-written stays"


def test_a_packed_file_beside_it_is_taken(folder: Path) -> None:
    (folder / "file.gz").write_bytes(PACKED)
    fetch(folder / "file", KNOWN, [])
    assert (folder / "file").read_bytes() == CONTENT


def test_what_is_replaced_stays_under_another_name(folder: Path) -> None:
    (folder / "file").write_bytes(b"damaged")
    (folder / "file.gz").write_bytes(b"another's")
    fetch(folder / "file", KNOWN, mirrors(folder, "good"))
    assert (folder / "file").read_bytes() == CONTENT
    assert (folder / "file.damaged").read_bytes() == b"damaged"
    assert (folder / "file.gz").read_bytes() == b"another's"


def test_the_reason_of_each_mirror_is_named_without_its_password(folder: Path) -> None:
    urls = ["http://bob:secret@127.0.0.1:9/", *mirrors(folder, "bad")]
    with pytest.raises(UnreachableError) as caught:
        fetch(folder / "file", KNOWN, urls)
    reasons = f"ConnectionError at 127.0.0.1:9, wrong SHA-256 at {urls[1]}"
    assert str(caught.value) == f"file.gz: {reasons}"
    assert not list(folder.iterdir())


def test_a_damaged_file_that_cannot_be_fetched_is_named(folder: Path) -> None:
    (folder / "file").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"file is damaged, and file.gz: No such file") as caught:
        fetch(folder / "file", KNOWN, mirrors(folder, "none"))
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
