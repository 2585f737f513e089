"""Data sets: found, fetched, generated and read; those of others left alone."""

import errno
import gzip
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mirrors import packed, stand_in, stand_ins
from torchvision import datasets

from mnist_lightning.data.sources import MNIST, Source, synthetic_digits
from mnist_lightning.errors import DataError, UnreachableError

FASHION = Path(__file__).parents[3] / "shared" / "siblings" / "fashion-mnist"
FILES = stand_ins()
LABELS = "train-labels-idx1-ubyte"


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Small files that are taken for MNIST's, and their mirror."""
    (tmp_path / "mirror").mkdir()
    for name, content in packed(FILES).items():
        (tmp_path / "mirror" / name).write_bytes(content)
    return stand_in(FILES, (tmp_path / "mirror").as_uri())


def fill(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


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
    pixels = MNIST.read(tmp_path, train=True)[0] / 255
    assert pixels.mean().item() == pytest.approx(MNIST.mean, abs=5e-5)
    assert pixels.std().item() == pytest.approx(MNIST.std, abs=5e-5)


def test_only_what_is_missing_or_damaged_is_fetched(source: Source, tmp_path: Path) -> None:
    raw, flipped = tmp_path / "MNIST" / "raw", bytearray(FILES[LABELS])
    flipped[-1] ^= 1
    fill(raw, {**FILES, LABELS: bytes(flipped)})
    source.prepare(tmp_path)
    assert contents(raw) == {**FILES, f"{LABELS}.damaged": bytes(flipped)}
    source.prepare(tmp_path, "file:///nowhere")


@pytest.mark.parametrize("split", ["train", "t10k"])
def test_the_files_of_another_set_are_never_replaced(
    source: Source, split: str, tmp_path: Path
) -> None:
    raw, others = tmp_path / "MNIST" / "raw", stand_ins(seed=1)
    theirs = {name: content for name, content in others.items() if name.startswith(split)}
    fill(raw, theirs)
    with pytest.raises(DataError, match=r"MNIST/raw holds a data set other than MNIST: move"):
        source.prepare(tmp_path)
    assert contents(raw) == theirs


def test_fashion_mnist_is_left_as_it_is(mnist_dir: Path, tmp_path: Path) -> None:
    if not FASHION.is_dir():
        pytest.skip("FashionMNIST is not beside the project, in ../shared/siblings")
    theirs = {path.stem: gzip.decompress(path.read_bytes()) for path in FASHION.glob("t10k*")}
    fill(tmp_path / "MNIST" / "raw", theirs)
    with pytest.raises(DataError, match="holds a data set other than MNIST"):
        MNIST.prepare(tmp_path, mnist_dir.as_uri())
    assert contents(tmp_path / "MNIST" / "raw") == theirs


def test_without_a_mirror_nothing_is_left(source: Source, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"train-images-idx3-ubyte.gz: No such file"):
        source.prepare(tmp_path / "data", "file:///nowhere")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("source", [MNIST, synthetic_digits(2, 2)], ids=lambda source: source.name)
def test_a_folder_that_cannot_be_written_is_named(source: Source, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataError, match=r"data: cannot be written \(\w"):
        source.prepare(tmp_path / "data")


def test_a_full_disk_is_named(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    for each in (source, synthetic_digits(2, 2)):
        with pytest.raises(DataError, match=r"idx3-ubyte: cannot be written \(No space left"):
            each.prepare(tmp_path / "data")
        assert not (tmp_path / "data").exists()


def test_splits_are_read_apart(source: Source, tmp_path: Path) -> None:
    source.prepare(tmp_path)
    for train, split, size in ((True, "train", 100), (False, "t10k", 50)):
        images, labels = source.read(tmp_path, train)
        assert (images.shape, images.dtype) == ((size, 1, 28, 28), torch.uint8)
        assert bytes(images.flatten().tolist()) == FILES[f"{split}-images-idx3-ubyte"][16:]
        assert labels.dtype == torch.int64
        assert bytes(labels.tolist()) == FILES[f"{split}-labels-idx1-ubyte"][8:]


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
