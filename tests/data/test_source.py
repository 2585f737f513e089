"""Data sets: found, fetched, generated and read; those of others left alone."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mirrors import packed, stand_in, stand_ins, write
from torchvision import datasets

from mnist_lightning.data.datasets import MNIST, synthetic_digits
from mnist_lightning.data.source import Source
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
    raw, cut = tmp_path / "MNIST" / "raw", FILES[LABELS][:-1]
    write(raw, {**FILES, LABELS: cut})
    source.prepare(tmp_path)
    assert contents(raw) == {**FILES, f"{LABELS}.damaged": cut}
    source.prepare(tmp_path, "file:///nowhere")


def test_what_is_packed_beside_is_taken_however_it_was_packed(
    source: Source, tmp_path: Path
) -> None:
    raw = tmp_path / "MNIST" / "raw"
    write(raw, {f"{name}.gz": gzip.compress(content, 9) for name, content in FILES.items()})
    source.prepare(tmp_path, "file:///nowhere")
    assert contents(raw).items() >= FILES.items()


OTHERS = stand_ins(seed=1)
LARGER = FILES["train-images-idx3-ubyte"]
LARGER = LARGER[:7] + bytes([101]) + LARGER[8:] + bytes(784)  # one image more
FOREIGN = {
    "all": OTHERS,
    "a split": {name: content for name, content in OTHERS.items() if "t10k" in name},
    "one file": {LABELS: OTHERS[LABELS]},
    "one beside ours": {**FILES, LABELS: OTHERS[LABELS]},
    "another size": {"train-images-idx3-ubyte": LARGER},
    "all packed": packed(OTHERS),
    "one packed": dict([*packed(OTHERS).items()][:1]),
    "packed, of another size": packed({"train-images-idx3-ubyte": LARGER}),
    "integers": {LABELS: bytes([0, 0, 12, 1, 0, 0, 0, 1, 0, 0, 0, 7])},
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_the_files_of_another_set_are_never_replaced(
    source: Source, kind: str, tmp_path: Path
) -> None:
    raw = tmp_path / "MNIST" / "raw"
    write(raw, FOREIGN[kind])
    with pytest.raises(DataError, match=r"raw holds a data set other than MNIST.*--data\.dataset"):
        source.prepare(tmp_path)
    assert contents(raw) == FOREIGN[kind]


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
    with pytest.raises(
        DataError, match=r"train-labels-idx1-ubyte is damaged: .* label 9, .* 0 to 1"
    ):
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
