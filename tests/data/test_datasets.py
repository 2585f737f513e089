"""MNIST's siblings: what torchvision knows of them, and reads from the same files."""

import gzip
import io
from dataclasses import replace
from hashlib import md5, sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from mirrors import SIZES, packed, stand_in, stand_ins, write
from torchvision import datasets

from mnist_lightning.data.datasets import EMNIST, SOURCES, find_source
from mnist_lightning.data.download import KnownFile
from mnist_lightning.data.source import Source
from mnist_lightning.errors import DataError

SIBLINGS: dict[str, Any] = {
    "mnist": datasets.MNIST,
    "fashion_mnist": datasets.FashionMNIST,
    "kmnist": datasets.KMNIST,
}
SPLITS = datasets.EMNIST.splits


@pytest.mark.parametrize("name", SIBLINGS)
def test_places_and_names_are_torchvisions(name: str) -> None:
    source, theirs = SOURCES[name], SIBLINGS[name]
    assert {f"{file}.gz" for file in source.files} == {file for file, _ in theirs.resources}
    assert set(source.mirrors) == set(theirs.mirrors)
    assert source.folder == f"{theirs.__name__}/raw"
    assert source.title == theirs.__name__
    assert [*source.classes] == [each.partition(" - ")[0] for each in theirs.classes]


def test_of_qmnist_the_md5_is_known() -> None:
    source, theirs = SOURCES["qmnist"], datasets.QMNIST.resources
    resources = dict(resource for part in ("train", "test") for resource in theirs[part])
    places = {f"{source.mirrors[0]}{name}.gz": file for name, file in source.files.items()}
    assert {place: known.packed_digest for place, known in places.items()} == resources


@pytest.mark.parametrize("split", SPLITS)
def test_classes_of_emnist_are_torchvisions(split: str) -> None:
    source = find_source("emnist", split)
    first, theirs = source.first_label, datasets.EMNIST.classes_split_dict[split]
    assert [*source.classes] == theirs[first:]
    assert f"{source.mirrors[0]}{source.archive}" == datasets.EMNIST.url
    assert set(EMNIST) == set(SPLITS)


PACKED = {"fashion_mnist": "fashion-mnist", "kmnist": "kmnist"}


@pytest.mark.parametrize("name", PACKED)
def test_sums_are_those_of_the_official_files(siblings: Path, name: str) -> None:
    resources = dict(SIBLINGS[name].resources)
    for path in (siblings / PACKED[name]).glob("*.gz"):
        content, known = path.read_bytes(), SOURCES[name].files[path.stem]
        assert md5(content).hexdigest() == resources[path.name], "official"
        assert known.packed_size == len(content)
        assert known.packed_digest == sha256(content).hexdigest()
        assert known.sha256 == sha256(gzip.decompress(content)).hexdigest()


def test_the_official_fashion_mnist(siblings: Path, tmp_path: Path) -> None:
    source = SOURCES["fashion_mnist"]
    source.prepare(tmp_path, (siblings / "fashion-mnist").as_uri())
    for train in (True, False):
        images, labels = source.read(tmp_path, train)
        theirs = datasets.FashionMNIST(str(tmp_path), train)
        assert torch.equal(images[:, 0], theirs.data)
        assert torch.equal(labels, theirs.targets)
        if train:
            pixels = images.numpy() / np.float32(255)
            assert pixels.mean(dtype=float) == pytest.approx(source.mean, abs=5e-5)
            assert pixels.std(dtype=float) == pytest.approx(source.std, abs=5e-5)


def test_the_official_emnist_test_images_are_upright(siblings: Path, tmp_path: Path) -> None:
    """More ink moves on along a 1 than across it."""
    source = find_source("emnist", "mnist")
    for path in (siblings / "emnist").glob("emnist-mnist-test*"):
        write(source.raw_dir(tmp_path), {path.stem: gzip.decompress(path.read_bytes())})
    images, labels = source.read(tmp_path, train=False)
    assert (labels.bincount() == 1000).all()
    ones = images[labels == 1, 0].float().mean(dim=0)
    assert (ones.mean(dim=1) > 9).sum() > 1.5 * (ones.mean(dim=0) > 9).sum()


def test_the_official_letters_begin_at_one(siblings: Path, tmp_path: Path) -> None:
    source = replace(find_source("emnist", "letters"), sizes={"emnist-letters-test": 14_800})
    for path in (siblings / "emnist").glob("emnist-letters-test*"):  # a cut: a to s
        write(source.raw_dir(tmp_path), {path.name: path.read_bytes()})
    source.prepare(tmp_path, "file:///nowhere")
    _, labels = source.read(tmp_path, train=False)
    assert [source.classes[label] for label in np.unique(labels)] == list("abcdefghijklmnopqrs")


def qmnist() -> dict[str, bytes]:
    """Small files in QMNIST's layout: rows of eight integers, the first of which is the class."""
    draw, files = np.random.default_rng(0), {}
    for name, content in stand_ins(train="qmnist-train", t10k="qmnist-test").items():
        if "images" in name:
            files[name] = content
            continue
        rows = draw.integers(0, 100_000, (len(content) - 8, 8))
        rows[:, 0] = list(content[8:])
        header = bytes([0, 0, 12, 2]) + len(rows).to_bytes(4, "big") + bytes([0, 0, 0, 8])
        files[name.replace("labels-idx1-ubyte", "labels-idx2-int")] = (
            header + rows.astype(">i4").tobytes()
        )
    return files


def test_qmnist_as_torchvision_reads_it(tmp_path: Path) -> None:
    files = qmnist()
    archives = packed(files)
    write(tmp_path / "mirror", archives)
    known = {
        name: KnownFile(10**6, md5(archives[f"{name}.gz"]).hexdigest()) for name in files
    }  # as in the table: MD5 alone
    sizes = {"qmnist-train": SIZES["train"], "qmnist-test": SIZES["t10k"]}
    source = replace(SOURCES["qmnist"], files=known, sizes=sizes)
    source.prepare(tmp_path, (tmp_path / "mirror").as_uri())
    for train in (True, False):
        images, labels = source.read(tmp_path, train)
        theirs = datasets.QMNIST(str(tmp_path), train=train)
        assert torch.equal(images[:, 0], theirs.data)
        assert torch.equal(labels, theirs.targets[:, 0])
    write(tmp_path / "mirror", packed(stand_ins(1, train="qmnist-train", t10k="qmnist-test")))
    with pytest.raises(DataError, match="wrong MD5"):
        source.prepare(tmp_path / "other", (tmp_path / "mirror").as_uri())


def emnist(split: str, folder: Path) -> Source:
    """EMNIST's zip with small files in its layout, in a folder, and a source that takes it."""
    files = stand_ins(train=f"emnist-{split}-train", t10k=f"emnist-{split}-test")
    content = io.BytesIO()
    if split == "letters":  # 1 to 10
        files = {
            name: bytes(x + 1 for x in content[8:]).join([content[:8], b""])
            if "labels" in name
            else content
            for name, content in files.items()
        }
    with ZipFile(content, "w") as archive:
        for name, member in packed(files).items():
            archive.writestr(f"gzip/{name}", member)
    write(folder, {"gzip.zip": content.getvalue()})
    size, digest = len(content.getvalue()), sha256(content.getvalue()).hexdigest()
    source = stand_in(files, folder.as_uri(), source=find_source("emnist", split))
    return replace(source, files={"gzip.zip": KnownFile(size, digest)})


@pytest.mark.parametrize("split", ["letters", "digits"])
def test_emnist_as_torchvision_reads_it_but_upright(tmp_path: Path, split: str) -> None:
    source = emnist(split, tmp_path / "mirror")
    source.prepare(tmp_path)
    for train in (True, False):
        images, labels = source.read(tmp_path, train)
        theirs = datasets.EMNIST(str(tmp_path), split, train=train)
        assert torch.equal(images[:, 0], theirs.data.transpose(1, 2))
        assert images.is_contiguous()
        ours = [source.classes[label] for label in labels]
        assert ours == [theirs.classes[label] for label in theirs.targets]
    (tmp_path / "EMNIST/raw" / f"emnist-{split}-train-images-idx3-ubyte").unlink()
    source.prepare(tmp_path, "file:///nowhere")  # the archive is kept


def test_another_archive_is_never_replaced(tmp_path: Path) -> None:
    source = emnist("letters", tmp_path / "mirror")
    emnist("digits", tmp_path / "EMNIST/raw")
    before = (tmp_path / "EMNIST/raw/gzip.zip").read_bytes()
    with pytest.raises(DataError, match=r"other than EMNIST letters, or .* gzip\.zip: .*--data"):
        source.prepare(tmp_path)
    (tmp_path / "EMNIST/raw/gzip.zip").write_bytes(before[:-30])  # cut off: no archive
    source.prepare(tmp_path)
    assert (tmp_path / "EMNIST/raw/gzip.zip.damaged").read_bytes() == before[:-30]


@pytest.mark.parametrize(
    ("dataset", "split", "reason"),
    [
        ("mnits", "balanced", "dataset is mnits: must be mnist, fashion_mnist, kmnist, qmnist, em"),
        ("", "balanced", "dataset is : must be mnist, .* or a folder of four IDX files"),
        ("synthetic", "balanced", "dataset is synthetic: must be mnist"),
        (
            "emnist",
            "letter",
            "split is letter: must be balanced, byclass, bymerge, digits",
        ),
        ("mnist", "train", "split is train: must be balanced"),
    ],
)
def test_other_names_are_refused_with_those_that_are_known(
    dataset: str, split: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=f"^{reason}"):
        find_source(dataset, split)
