"""Files are written whole or not at all."""

import errno
import fcntl
import os
import resource
from pathlib import Path

import pytest

from mnist_lightning.errors import OutputError
from mnist_lightning.files import atomic_write


def test_the_name_appears_with_the_last_byte(workdir: Path) -> None:
    with atomic_write("a.txt") as draft:
        draft.write_text("half")
        assert draft.suffix == ".txt"
        assert not Path("a.txt").exists()
        draft.write_text("whole")
    assert [path.name for path in workdir.iterdir()] == ["a.txt"]
    assert Path("a.txt").read_text() == "whole"


def broken_off(path: str) -> None:
    with atomic_write(path) as draft:
        draft.write_text("half")
        raise KeyboardInterrupt


def test_what_breaks_off_leaves_nothing(workdir: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        broken_off("a.txt")
    assert not list(workdir.iterdir())


def test_a_full_disk_is_one_line(workdir: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with (
            pytest.raises(OutputError, match=r"^a.txt: cannot be written"),
            atomic_write("a.txt") as draft,
        ):
            draft.write_bytes(bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(workdir.iterdir())


def test_where_files_are_flushed_and_linked_as_on_windows(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is open to write is flushed, folders cannot be opened, and FAT has no links."""
    opened, flush = os.open, os.fsync
    flushed: list[int] = []

    def only_files(path: Path, flags: int) -> int:
        if path.is_dir():
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, flags)

    def only_writable(descriptor: int) -> None:
        if not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_RDWR:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flush(descriptor)
        flushed.append(descriptor)

    def no_link(*_: object) -> None:
        raise OSError(errno.EINVAL, "Incorrect function")

    for name, other in {"open": only_files, "fsync": only_writable, "link": no_link}.items():
        monkeypatch.setattr(os, name, other)
    for text in ("one", "two"):
        with atomic_write("a.txt", keep=Path("b.txt")) as draft:
            draft.write_text(text)
    assert {path.name: path.read_text() for path in workdir.iterdir()} == {
        "a.txt": "two",
        "b.txt": "one",
    }
    assert len(flushed) == 2
