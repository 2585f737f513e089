"""Folders of the user's own: read as they are, and never written to."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mirrors import packed, stand_ins, write
from torchvision.datasets.mnist import read_image_file, read_label_file

from mnist_lightning.data.datasets import find_source
from mnist_lightning.errors import DataError

FILES = stand_ins(classes=5)
TRAIN, LABELS, TEST, TEST_LABELS = FILES


def with_label(content: bytes, label: int) -> bytes:
    return content[:-1] + bytes([label])


@pytest.mark.parametrize("kind", ["plain", "packed", "both"])
def test_is_read_plain_or_packed(tmp_path: Path, kind: str) -> None:
    both = {TRAIN: FILES[TRAIN], **packed(FILES)}
    both.pop(f"{TRAIN}.gz")
    given = {"plain": FILES, "packed": packed(FILES), "both": both}[kind]
    write(tmp_path / "own", given)
    write(tmp_path / "plain", FILES)
    source = find_source("own", data_dir=tmp_path)
    source.prepare(tmp_path)
    assert source.classes == ("0", "1", "2", "3", "4")
    assert source.name == source.title == "own"
    for train, part in ((True, "train"), (False, "t10k")):
        images, labels = source.read(tmp_path, train)
        theirs = read_image_file(str(tmp_path / f"plain/{part}-images-idx3-ubyte"))
        assert torch.equal(images[:, 0], theirs)
        theirs = read_label_file(str(tmp_path / f"plain/{part}-labels-idx1-ubyte"))
        assert torch.equal(labels, theirs)
    assert {path.name: path.read_bytes() for path in (tmp_path / "own").iterdir()} == given


SMALL = bytes([0, 0, 8, 3, 0, 0, 0, 100, 0, 0, 0, 20, 0, 0, 0, 20]) + bytes(40_000)
WRONG: dict[str, tuple[dict[str, bytes | None], str]] = {
    "missing": ({TRAIN: None}, r"holds no train-images-idx3-ubyte\[.gz\]"),
    "no labels": ({TEST_LABELS: None}, r"holds no t10k-labels-idx1-ubyte\[.gz\]"),
    "cut": ({TRAIN: FILES[TRAIN][:-1]}, "train-images-idx3-ubyte: must be an IDX .* 28x28"),
    "20x20": ({TRAIN: SMALL}, "train-images-idx3-ubyte: must be an IDX file of 28x28"),
    "too few labels": ({LABELS: FILES[TEST_LABELS]}, "must be an IDX file of 100 labels"),
    "no IDX": ({LABELS: b"0\n1\n"}, "must be an IDX file of 100 labels"),
    "one class": ({LABELS: FILES[LABELS][:8] + bytes(100)}, "two classes or more"),
    "none": (
        {TEST: FILES[TEST][:4] + bytes(4) + FILES[TEST][8:16], TEST_LABELS: b""},
        "t10k-images-idx3-ubyte: must be",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_named(tmp_path: Path, kind: str) -> None:
    changes, reason = WRONG[kind]
    write(tmp_path, {name: x for name, x in (FILES | changes).items() if x is not None})
    with pytest.raises(DataError, match=reason):
        find_source(str(tmp_path))


def test_a_test_label_beyond_those_of_the_training_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, TEST_LABELS: with_label(FILES[TEST_LABELS], 5)})
    source = find_source(str(tmp_path))
    with pytest.raises(DataError, match="the label 5, which is not 0 to 4"):
        source.read(Path(), train=False)


def test_a_packed_file_that_is_damaged_is_refused(tmp_path: Path) -> None:
    archives = packed(FILES)
    damaged = bytearray(archives[f"{TRAIN}.gz"])
    damaged[-6] ^= 1  # of the checksum
    write(tmp_path, {**archives, f"{TRAIN}.gz": bytes(damaged)})
    with pytest.raises(DataError, match="must be an IDX file"):
        find_source(str(tmp_path))


@pytest.mark.parametrize("name", ["kmnist", "emnist", "synthetic", "emnist_letters"])
def test_the_name_of_a_known_set_is_refused(tmp_path: Path, name: str) -> None:
    """A checkpoint would name the other one."""
    write(tmp_path / name, FILES)
    with pytest.raises(ValueError, match=r"folder of four IDX files with another name than these"):
        find_source(f"{tmp_path}/{name}")


def test_255_is_a_label(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, LABELS: with_label(FILES[LABELS], 255)})
    source = find_source(str(tmp_path))
    assert len(source.classes) == 256
    assert np.array_equal(source.classes, np.arange(256).astype(str))


def test_another_folder_of_that_name_is_not_taken_for_a_checkpoints(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    source = find_source("mine", data_dir=tmp_path, required=False)
    assert (source.name, source.classes) == ("mine", ())
    with pytest.raises(DataError, match="holds no train-images"):
        find_source("mine", data_dir=tmp_path)
