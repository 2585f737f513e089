"""Files are written whole or not at all."""

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
