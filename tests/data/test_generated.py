"""The generated digits: framed like MNIST's, repeatable, and legible to a reader of MNIST."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torchvision.datasets.mnist import read_image_file, read_label_file

from mnist_lightning.data import generated

REAL_MNIST = Path(__file__).parents[3] / "shared" / "mnist"


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


def test_no_digits_are_an_empty_batch() -> None:
    assert draw(torch.empty(0, dtype=torch.int64), seed=0).shape == (0, 28, 28)


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


def test_files_hold_the_rendered_digits_and_their_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paint_label(labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return labels.to(torch.uint8)[:, None, None].expand(-1, 28, 28)

    monkeypatch.setattr(generated, "render_digits", paint_label)
    generated.write_synthetic(tmp_path, {"train": 1_200, "t10k": 20})
    images = read_image_file(str(tmp_path / "train-images-idx3-ubyte"))
    labels = read_label_file(str(tmp_path / "train-labels-idx1-ubyte"))
    assert images.shape == (1_200, 28, 28)
    assert torch.equal(images.long(), labels[:, None, None].expand(-1, 28, 28))
    assert len(labels.unique()) == 10
    assert len(list(tmp_path.iterdir())) == 4


def test_files_are_the_same_each_time_and_differ_by_split(tmp_path: Path) -> None:
    pictures = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        generated.write_synthetic(tmp_path / name, {"train": 20, "t10k": 20})
        pictures += [path.read_bytes() for path in sorted((tmp_path / name).glob("*images*"))]
    assert pictures[:2] == pictures[2:]
    assert pictures[0] != pictures[1]


def read_real(name: str, header: int, count: int, width: int) -> np.ndarray:
    """First values of a file of the real training set."""
    path = REAL_MNIST / f"{name}.gz"
    if not path.is_file():
        pytest.skip(f"real MNIST is not at {REAL_MNIST}")
    with gzip.open(path) as file:
        content = file.read(header + count * width)[header:]
    return np.frombuffer(content, np.uint8).reshape(count, width)


def test_a_reader_of_the_digits_reads_mnist(digits: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = digits
    real_images = read_real("train-images-idx3-ubyte", 16, 2_000, 784)
    real_labels = read_real("train-labels-idx1-ubyte", 8, 2_000, 1)[:, 0]
    reader = KNeighborsClassifier(3, metric="cosine").fit(images.reshape(2_000, -1) / 255, labels)
    accuracy = (reader.predict(real_images / 255) == real_labels).mean()
    assert accuracy > 0.80
