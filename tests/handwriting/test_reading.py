"""Numbers of several digits, composed of MNIST's test images, read by the network released."""

from collections.abc import Sequence
from math import prod

import numpy as np
import pytest
import torch
from conftest import mnist_digits
from numpy.typing import NDArray
from PIL import Image

from mnist_lightning import predict_images
from mnist_lightning.handwriting.prediction import Prediction
from mnist_lightning.handwriting.rejection import Rejection

pytestmark = pytest.mark.usefixtures("mnist_dir")


def sheet(rows: Sequence[NDArray[np.uint8]]) -> Image.Image:
    """Dark digits of 56 pixels on light paper, 20 pixels apart, in rows."""
    wide = max(len(row) for row in rows)
    image = Image.new("L", (76 * wide + 40, 76 * len(rows) + 40), 255)
    for i, row in enumerate(rows):
        for j, pixels in enumerate(row):
            digit = Image.fromarray(255 - pixels).resize((56, 56))
            image.paste(digit, (30 + 76 * j, 30 + 76 * i))
    return image


@pytest.mark.parametrize(
    "numbers", [[(0, 1)], [(5, 3)], [(5, 3, 10)], [(18, 0, 1), (4, 2)]], ids=str
)
def test_numbers_are_read_whole(numbers: list[tuple[int, ...]]) -> None:
    images, labels = mnist_digits(20)
    texts = ["".join(str(labels[i]) for i in number) for number in numbers]
    (found,) = predict_images(sheet([images[[*number]] for number in numbers]))
    assert found.number == found.digit == "\n".join(texts)
    assert [each.digit for each in found.digits] == [int(text) for text in "".join(texts)]
    each = [one.probability or 0 for one in found.digits]
    assert found.probability == pytest.approx(prod(each))
    least = int(np.argmin(each))
    second = found.digits[least]
    other = [*"".join(texts)]
    other[least] = str(second.runner_up)
    assert str(found.runner_up).replace("\n", "") == "".join(other)
    expected = prod(each) / each[least] * (second.runner_up_probability or 0)
    assert found.runner_up_probability == pytest.approx(expected)


def test_one_digit_stays_one() -> None:
    images, labels = mnist_digits(20)
    found = predict_images([sheet([images[i : i + 1]]) for i in range(20)])
    right = [each.digit == label for each, label in zip(found, labels, strict=True)]
    assert sum(right) >= 19
    assert not any(each.digits for each in found)


def read(monkeypatch: pytest.MonkeyPatch, chances: tuple[float, ...]) -> Prediction:
    """Read 721 where the rejection gives these probabilities of a digit."""
    given = torch.tensor(chances)

    def digit_probability(_: Rejection, images: torch.Tensor) -> torch.Tensor:
        return given if len(images) == len(given) else torch.zeros(len(images))

    monkeypatch.setattr(Rejection, "digit_probability", digit_probability)
    images, _ = mnist_digits(3)
    return predict_images([sheet([images])])[0]


@pytest.mark.parametrize(
    ("chances", "number"),
    [((1.0, 1.0, 1.0), "721"), ((1.0, 0.0, 1.0), "7?1"), ((1.0, 1.0, 0.0), "72")],
)
def test_what_is_no_digit_is_marked_between_digits_and_dropped_at_the_ends(
    chances: tuple[float, ...], number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read(monkeypatch, chances)
    assert found.number == number
    if "?" in number:
        assert [each.digit for each in found.digits] == [7, None, 1]


def test_among_what_is_mostly_no_digit_the_one_that_stands_out_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = [read(monkeypatch, one) for one in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))]
    assert [each.remark for each in alone].count("no digit") == 2
    assert all(each.number in ("", digit) for each, digit in zip(alone, "721", strict=True))
    assert read(monkeypatch, (0.0, 0.0, 0.0)).remark == "no digit"
