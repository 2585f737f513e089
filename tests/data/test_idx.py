"""IDX files are read as they are or not at all."""

from mnist_lightning.errors import DataError
import hashlib
import os
import random
from pathlib import Path

import pytest
import torch

from mnist_lightning.data.idx import read_idx
from mnist_lightning.data.splits import read_split

IMAGES = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(
    i % 251 for i in range(1568)
)
LABELS = bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9])


@pytest.fixture
def raw_dir(tmp_path: Path) -> Path:
    """Two images and their labels."""
    (tmp_path / "train-images-idx3-ubyte").write_bytes(IMAGES)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(LABELS)
    return tmp_path


def test_reads_what_was_written(raw_dir: Path) -> None:
    images, labels = read_split(raw_dir, "train", 2, official=False)
    assert images.shape == (2, 1, 28, 28)
    assert images.flatten().tolist() == list(IMAGES[16:])
    assert torch.equal(labels, torch.tensor([7, 9]))


@pytest.mark.parametrize(
    "labels",
    [
        LABELS[:-1] + b"\x0a",  # label 10
        LABELS[:-1] + b"\xfa",
        LABELS[:-1],
        LABELS + b"\0",
        LABELS.replace(b"\x08", b"\x09"),  # signed bytes
        bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]),  # one label to two images
        b"",
        IMAGES,
        None,
    ],
)
def test_refuses_what_is_no_label_file(raw_dir: Path, labels: bytes | None) -> None:
    path = raw_dir / "train-labels-idx1-ubyte"
    path.unlink()
    if labels is not None:
        path.write_bytes(labels)
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte (is damaged|cannot be read)"):
        read_split(raw_dir, "train", 2, official=False)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    with pytest.raises(DataError, match="no regular file"):
        read_idx(tmp_path / "x", (2,))


def test_no_mutant_of_a_known_file_is_read(raw_dir: Path) -> None:
    path, draw = raw_dir / "train-images-idx3-ubyte", random.Random(0)
    sha256 = hashlib.sha256(IMAGES).hexdigest()
    assert read_idx(path, (2, 28, 28), sha256).shape == (2, 28, 28)
    for _ in range(300):
        place = draw.randrange(len(IMAGES))
        flipped = bytes([IMAGES[place] ^ 1 << draw.randrange(8)])
        path.write_bytes(IMAGES[:place] + draw.choice([flipped + IMAGES[place + 1 :], b""]))
        with pytest.raises(DataError, match="is damaged"):
            read_idx(path, (2, 28, 28), sha256)
