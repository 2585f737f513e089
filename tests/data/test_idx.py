"""IDX files are read as they are or not at all."""

import os
from pathlib import Path

import pytest
import torch

from mnist_lightning.data.idx import read_idx, sound_shape, write_idx
from mnist_lightning.errors import DataError

HEADER = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3])  # unsigned bytes, two sizes: 2 and 3
CONTENT = HEADER + bytes([1, 2, 3, 4, 5, 250])
BAD = {
    "cut": CONTENT[:-1],
    "longer": CONTENT + b"\0",
    "signed": CONTENT.replace(b"\x08", b"\x09"),
    "other sizes": bytes([0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 3]) + CONTENT[12:],
    "more sizes": bytes([0, 0, 8, 255]) + CONTENT[4:],
    "header alone": HEADER[:3],
    "empty": b"",
}


def test_reads_what_was_written(tmp_path: Path) -> None:
    array = torch.tensor([[1, 2, 3], [4, 5, 250]])
    write_idx(tmp_path / "x", array)
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert sound_shape(tmp_path / "x") == (2, 3)
    assert torch.equal(read_idx(tmp_path / "x", (2, 3)), array.to(torch.uint8))


@pytest.mark.parametrize("kind", BAD)
def test_refuses_what_is_no_such_file(tmp_path: Path, kind: str) -> None:
    (tmp_path / "x").write_bytes(BAD[kind])
    assert sound_shape(tmp_path / "x") != (2, 3)
    with pytest.raises(DataError, match="x is damaged: it is no IDX file of 2x3 bytes"):
        read_idx(tmp_path / "x", (2, 3))


def test_refuses_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("pipe", "is damaged"), ("none", r"cannot be read \(No such file")):
        assert not sound_shape(tmp_path / name)
        with pytest.raises(DataError, match=f"{name} {reason}"):
            read_idx(tmp_path / name, (2, 3))
