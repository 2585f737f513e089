"""Data sets: found, fetched, generated and read; those of others left alone."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mirrors import packed, stand_in, stand_ins, write
from torchvision import datasets

from mnist_lightning.data.sources import MNIST, Source, synthetic_digits
from mnist_lightning.errors import DataError, UnreachableError

FILES = stand_ins()
LABELS = "train-labels-idx1-ubyte"


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Small files that are taken for MNIST's, and their mirror."""
    write(tmp_path / "mirror", packed(FILES))
    return stand_in(FILES, (tmp_path / "mirror").as_uri())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_the_official_files_are_fetched_for_torchvision_too(
    mnist_dir: Path, tmp_path: Path
) -> None:
    assert not MNIST.is_present(tmp_path)
    MNIST.prepare(tmp_path, mnist_dir.as_uri())
    assert MNIST.is_present(tmp_path)
    for train in (True, False):
        images, labels = MNIST.read(tmp_path, train)
        theirs = datasets.MNIST(str(tmp_path), train)
        assert torch.equal(images[:, 0], theirs.data)
        assert torch.equal(labels, theirs.targets)
        if train:
            assert (images / 255).mean().item() == pytest.approx(MNIST.mean, abs=5e-5)
            assert (images / 255).std().item() == pytest.approx(MNIST.std, abs=5e-5)


def test_only_what_is_missing_or_damaged_is_fetched(source: Source, tmp_path: Path) -> None:
    raw, flipped = tmp_path / "MNIST" / "raw", bytearray(FILES[LABELS])
    flipped[-1] ^= 1
    write(raw, {**FILES, LABELS: bytes(flipped)})
    source.prepare(tmp_path)
    assert contents(raw) == {**FILES, f"{LABELS}.damaged": bytes(flipped)}
    source.prepare(tmp_path, "file:///nowhere")


@pytest.mark.parametrize("split", ["train", "t10k"])
def test_the_files_of_another_set_are_never_replaced(
    source: Source, split: str, tmp_path: Path
) -> None:
    raw, others = tmp_path / "MNIST" / "raw", stand_ins(seed=1)
    theirs = {name: content for name, content in others.items() if name.startswith(split)}
    write(raw, theirs)
    with pytest.raises(DataError, match=r"MNIST/raw holds a data set other than MNIST: move"):
        source.prepare(tmp_path)
    assert contents(raw) == theirs


def test_without_a_mirror_nothing_is_left(source: Source, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"train-images-idx3-ubyte.gz: No such file"):
        source.prepare(tmp_path / "data", "file:///nowhere")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("source", [MNIST, synthetic_digits(2, 2)], ids=lambda source: source.name)
def test_a_folder_that_cannot_be_written_is_named(source: Source, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataError, match=r"data: cannot be written \(\w"):
        source.prepare(tmp_path / "data")


def test_a_label_beyond_the_classes_is_refused(source: Source, tmp_path: Path) -> None:
    source.prepare(tmp_path)
    few = replace(source, classes=("zero", "one"))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte is damaged: .* the label 9"):
        few.read(tmp_path, train=True)


def test_generated_digits_are_kept(tmp_path: Path) -> None:
    source = synthetic_digits(30, 20)
    source.prepare(tmp_path)
    raw = tmp_path / "synthetic-v1-30-20"
    first = contents(raw)
    assert len(first) == 4
    (raw / "t10k-labels-idx1-ubyte").unlink()  # as where a process was killed
    assert not source.is_present(tmp_path)
    source.prepare(tmp_path)
    assert contents(raw) == first
    assert source.read(tmp_path, train=False)[0].shape == (20, 1, 28, 28)
