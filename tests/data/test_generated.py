"""The generated digits: framed like MNIST's, repeatable, and legible to a reader of MNIST."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torchvision.datasets.mnist import read_image_file, read_label_file

from mnist_lightning.data import generated as synthetic

REAL_MNIST = Path(__file__).parents[3] / "shared" / "mnist"


def draw(labels: torch.Tensor, seed: int) -> torch.Tensor:
    return synthetic.render_digits(labels, torch.Generator().manual_seed(seed))


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


@pytest.mark.parametrize(
    "labels",
    [torch.tensor([0, 10]), torch.tensor([-1]), torch.tensor([1.0]), torch.tensor([[1]])],
)
def test_bad_labels_are_refused(labels: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"\Alabels .*must be .*\Z"):
        draw(labels, seed=0)


def test_files_are_read_by_torchvision(tmp_path: Path) -> None:
    raw = tmp_path / "new" / "raw"
    synthetic.write_synthetic(raw, sizes=(30, 20), seed=3)
    sets = {}
    for name, size in (("train", 30), ("t10k", 20)):
        images = read_image_file(str(raw / f"{name}-images-idx3-ubyte"))
        labels = read_label_file(str(raw / f"{name}-labels-idx1-ubyte"))
        assert (images.dtype, images.shape) == (torch.uint8, (size, 28, 28))
        assert (labels.dtype, labels.shape) == (torch.int64, (size,))
        assert len(labels.unique()) > 3
        sets[name] = images
    assert not torch.equal(sets["train"][:20], sets["t10k"])
    assert len(list(raw.iterdir())) == 4
    assert list(raw.parent.iterdir()) == [raw]


def test_files_hold_the_rendered_digits_and_their_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paint_label(labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return labels.to(torch.uint8)[:, None, None].expand(-1, 28, 28)

    monkeypatch.setattr(synthetic, "render_digits", paint_label)
    synthetic.write_synthetic(tmp_path / "raw", sizes=(1_200, 1))
    images = (tmp_path / "raw" / "train-images-idx3-ubyte").read_bytes()
    labels = (tmp_path / "raw" / "train-labels-idx1-ubyte").read_bytes()
    assert images[:16].hex() == "00000803000004b00000001c0000001c"  # magic 2051, 1200, 28, 28
    assert labels[:8].hex() == "00000801000004b0"  # magic 2049, 1200
    assert images[16:] == b"".join(bytes([label]) * 784 for label in labels[8:])
    assert set(labels[8:]) == set(range(10))


def test_files_are_decided_by_the_seed(tmp_path: Path) -> None:
    contents = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        synthetic.write_synthetic(tmp_path / name, sizes=(20, 20), seed=seed)
        contents.append({f.name: f.read_bytes() for f in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]
    assert all(contents[0][name] != contents[2][name] for name in contents[0])


def test_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_idx = synthetic._write_idx

    def fail_on_the_third_file(path: Path, values: torch.Tensor) -> None:
        if path.name.startswith("t10k"):
            raise OSError("No space left on device")
        write_idx(path, values)

    monkeypatch.setattr(synthetic, "_write_idx", fail_on_the_third_file)
    with pytest.raises(OSError, match="No space left"):
        synthetic.write_synthetic(tmp_path / "raw", sizes=(2, 2))
    assert list(tmp_path.iterdir()) == []


def test_a_quicker_process_is_left_in_peace(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "theirs").write_text("complete")
    synthetic.write_synthetic(raw, sizes=(2, 2))
    assert [path.name for path in tmp_path.rglob("*")] == ["raw", "theirs"]


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "raw").write_text("not a folder")
    with pytest.raises(OSError, match="raw"):
        synthetic.write_synthetic(tmp_path / "raw", sizes=(2, 2))
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0), (-5, 1)])
def test_sizes_below_one_are_refused(tmp_path: Path, sizes: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"\Asizes are .*at least 1\Z"):
        synthetic.write_synthetic(tmp_path / "raw", sizes=sizes)
    assert list(tmp_path.iterdir()) == []


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
