"""What the network that ships is trained on, and what is chosen on what it was not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from conftest import SHARED_MNIST, mnist_digits
from scipy import ndimage
from scipy.special import softmax

from mnist_lightning import ConvNet, MNISTDataModule
from mnist_lightning.data.datasets import synthetic_digits

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)


def test_ink_is_framed_like_mnist() -> None:
    from framed import framed

    ink = np.zeros((200, 90), np.uint8)
    ink[40:180, 20:70] = 255
    image = framed(ink)
    rows, columns = np.nonzero(image)
    assert [np.ptp(rows) + 1, np.ptp(columns) + 1] == [20, 7]
    assert np.abs(ndimage.center_of_mass(image) - np.full(2, 14.0)).max() <= 0.5
    assert not framed(np.zeros_like(ink)).any()


def test_pens_widen_and_thin_strokes() -> None:
    from deformed import other_pen

    ink = torch.zeros(4, 1, 40, 40)
    ink[:, :, 10:30, 15:25] = 1
    wider, thinner, same, hardly = other_pen(ink, np.array([2, -1, 0, -7]))[:, 0].numpy()
    square = ink[0, 0].numpy() > 0
    both = ndimage.binary_dilation(square, np.ones((3, 3)))  # a square, then a cross
    np.testing.assert_array_equal(wider > 0, ndimage.binary_dilation(both))
    np.testing.assert_array_equal(thinner > 0, ndimage.binary_erosion(square, np.ones((3, 3))))
    np.testing.assert_array_equal(same > 0, square)
    np.testing.assert_array_equal(hardly > 0, square)  # less would be left than has to be


@pytest.mark.skipif(not SHARED_MNIST.exists(), reason="needs MNIST")
def test_deformed_digits_are_others_and_still_read() -> None:
    from deformed import deform

    images, labels = mnist_digits(100)
    changed = deform(images, np.random.default_rng(0))
    assert (changed != images).any((1, 2)).all()
    with torch.inference_mode():
        logits = ConvNet.from_pretrained()(torch.from_numpy(changed)[:, None] / 255)
    assert (logits.argmax(1).numpy() == labels).mean() > 0.85


@pytest.mark.skipif(not SHARED_MNIST.exists(), reason="needs MNIST")
def test_what_is_like_a_digit_is_no_non_digit() -> None:
    from non_digits import KNOWN, draw_families

    images, labels = mnist_digits(60)
    grids = KNOWN["grids"][1]

    def half_digits(count: int, digits: Any, random: np.random.Generator) -> Any:
        return np.concatenate([images[: count // 2], grids(count - count // 2, digits, random)])

    random = np.random.default_rng(0)
    (drawn,) = draw_families([half_digits], [8], (images, labels.astype(np.int64)), random)
    assert drawn.shape == (8, 28, 28)
    assert not (drawn[:, None] == images).all((2, 3)).any()


def test_the_set_is_one_for_the_data_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import non_digits
    import training_set

    digits = synthetic_digits(600, 50)
    digits.prepare(tmp_path)
    families = {name: non_digits.KNOWN[name] for name in ("figures by pen", "two rows")}
    for module in (non_digits, training_set):
        monkeypatch.setattr(module, "KNOWN", families)
    monkeypatch.setattr(training_set, "UNKNOWN", {"words": non_digits.UNKNOWN["words"]})
    monkeypatch.setattr(training_set, "MNIST", digits)
    monkeypatch.setattr(training_set, "HELD_OUT", 100)
    monkeypatch.setattr(training_set, "simulated", lambda digits, each, random: [digits])
    training_set.compose(tmp_path / "more", tmp_path, scale=0.01)
    data = MNISTDataModule(dataset=str(tmp_path / "more"))
    data.setup()
    assert data.num_classes == 11
    counts = data.train.labels.bincount()
    # as they are, deformed and generated; then non-digits
    assert int(counts[:10].sum()) == 5 + 5 + 150
    assert int(counts[10]) == 150
    assert data.test.labels.max() == 9
    images, _ = digits.read(tmp_path, train=True)
    seen = {image.numpy().tobytes() for image in data.train.images}
    assert seen.issuperset(image.numpy().tobytes() for image in images[:5])
    assert seen.isdisjoint(image.numpy().tobytes() for image in images[-100:])


def test_temperature_is_that_of_the_labels() -> None:
    from calibration import fit_temperature

    random = np.random.default_rng(0)
    logits = random.normal(0, 4, (5_000, 10))
    labels = [random.choice(10, p=row) for row in softmax(logits / 2, axis=1)]
    assert fit_temperature(torch.tensor(logits), torch.tensor(labels)) == pytest.approx(2, rel=0.1)


def test_threshold_refuses_no_more_than_it_may() -> None:
    from calibration import choose_threshold

    probabilities = np.linspace(0.001, 1, 1_000, dtype=np.float32)
    threshold = choose_threshold(probabilities)
    assert (probabilities < threshold).sum() == 1  # 0.1 % of a thousand
    assert choose_threshold(probabilities * 0 + 0.9) == 0.5


def test_a_network_of_eleven_is_parted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pretrained
    from safetensors.torch import load_file

    monkeypatch.setattr(pretrained, "FILE", tmp_path / "mnist.safetensors")
    monkeypatch.setattr(pretrained, "REJECTION", tmp_path / "rejection.safetensors")
    model = {"conv_channels": [2], "hidden_dims": [8], "lr": 0.1}
    whole = ConvNet([2], [8], num_classes=11).eval()
    checkpoint = SimpleNamespace(network=lambda: whole, model=model)
    net, _ = pretrained.split(cast(Any, checkpoint))
    row = load_file(tmp_path / "rejection.safetensors")
    images = torch.rand(3, 1, 28, 28)
    with torch.inference_mode():
        last = net.features(images) @ row["weight"].T + row["bias"]
        torch.testing.assert_close(torch.cat([net(images), last], 1), whole(images))
