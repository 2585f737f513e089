"""The generated digits: framed like MNIST's, repeatable, and legible to a reader of MNIST."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import mnist_digits
from sklearn.neighbors import KNeighborsClassifier
from torchvision.datasets.mnist import read_image_file, read_label_file

from mnist_lightning.data import generated


def draw(labels: torch.Tensor, seed: int) -> torch.Tensor:
    return generated.render_digits(labels, torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    labels = torch.arange(2_000) % 10
    return draw(labels, seed=0).numpy(), labels.numpy()


def test_pictures_are_decided_by_the_generator() -> None:
    labels = torch.arange(60) % 10
    global_state = torch.get_rng_state()
    first = draw(labels, seed=1)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1 if threads > 1 else 2)
        assert torch.equal(draw(labels, seed=1), first)
    finally:
        torch.set_num_threads(threads)
    assert not torch.equal(draw(labels, seed=2), first)
    assert torch.equal(torch.get_rng_state(), global_state)


def test_ink_is_framed_like_mnist(digits: tuple[np.ndarray, np.ndarray]) -> None:
    images, _ = digits
    assert images.dtype == np.uint8
    assert images.shape == (2_000, 28, 28)
    assert (images.reshape(len(images), -1).max(axis=1) > 200).all()
    for image in images:
        rows, columns = np.nonzero(image)
        larger_side = max(np.ptp(rows), np.ptp(columns)) + 1
        assert 18 <= larger_side <= 20
        centre = np.average([rows, columns], axis=1, weights=image[rows, columns])
        assert np.abs(centre - 13.5).max() <= 0.5 + 1e-6


def test_a_digit_is_never_drawn_twice(digits: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = digits
    for digit in range(10):
        same = images[labels == digit].reshape(200, -1)
        assert len(np.unique(same, axis=0)) == 200
        # More than noise on one shape: to threshold the ink leaves them different, too.
        assert len(np.unique(same > 127, axis=0)) == 200


@pytest.fixture(scope="module")
def reader(digits: tuple[np.ndarray, np.ndarray]) -> KNeighborsClassifier:
    images, labels = digits
    return KNeighborsClassifier(3, metric="cosine").fit(images.reshape(2_000, -1), labels)


def test_files_hold_the_same_digits_each_time_and_differ_by_split(
    tmp_path: Path, reader: KNeighborsClassifier
) -> None:
    pictures = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        generated.write_synthetic(folder, {"train": 520, "t10k": 520})
        for split in ("train", "t10k"):
            pictures.append(read_image_file(str(folder / f"{split}-images-idx3-ubyte")))
            labels = read_label_file(str(folder / f"{split}-labels-idx1-ubyte"))
            assert len(labels.unique()) == 10
            assert reader.score(pictures[-1].flatten(1), labels) > 0.7
    assert torch.equal(pictures[0], pictures[2])
    assert torch.equal(pictures[1], pictures[3])
    assert not torch.equal(pictures[0], pictures[1])


def test_a_reader_of_the_digits_reads_mnist(reader: KNeighborsClassifier, mnist_dir: Path) -> None:
    images, labels = mnist_digits(2_000)
    assert reader.score(images.reshape(2_000, -1), labels) > 0.80


def test_forms_and_pens_of_ones_own() -> None:
    labels = torch.zeros(40, dtype=torch.int64)
    random = torch.Generator().manual_seed(0)
    forms = ("05 95", "50 59")  # a lying stroke, and a standing one
    for label, across in ((0, 1), (1, 2)):
        for radius, least, most in ((0.8, 1, 2), (2.5, 4, 6)):
            pen = radius, 0.01
            ink = generated.render_digits(labels + label, random, forms, pen) > 127
            assert ink.any(dim=across).sum(1).float().median() >= 19
            strokes = ink.sum(dim=across).float()
            assert least <= strokes[strokes > 0].median() <= most
