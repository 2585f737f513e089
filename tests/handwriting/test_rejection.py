"""Whether an image is a digit at all."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from mnist_lightning import ConvNet
from mnist_lightning.handwriting.rejection import Rejection


@pytest.fixture
def of_eleven() -> ConvNet:
    torch.manual_seed(0)
    return ConvNet((2,), (8,), num_classes=11).eval()


@pytest.fixture
def rejection(of_eleven: ConvNet) -> Rejection:
    """A stand-in: the same network in two parts."""
    weights = of_eleven.state_dict()
    head = {name: weights[f"head.{name}"] for name in ("weight", "bias")}
    ten = {f"head.{name}": value[:10] for name, value in head.items()}
    net = ConvNet((2,), (8,))
    net.load_state_dict(weights | ten)
    return Rejection(net, head["weight"][10:], head["bias"][10:])


def test_probability_is_what_the_softmax_of_eleven_leaves(
    of_eleven: ConvNet, rejection: Rejection
) -> None:
    images = torch.rand(6, 1, 28, 28)
    with torch.inference_mode():
        expected = 1 - softmax(of_eleven(images).double().numpy(), axis=1)[:, 10]
    found = rejection.digit_probability(images)
    assert found.shape == (6,)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5)


def test_what_is_below_the_threshold_is_refused(rejection: Rejection) -> None:
    images = torch.rand(5, 1, 28, 28)
    rejection.threshold = float(rejection.digit_probability(images).median())
    assert rejection.is_digit(images).sum() == 3  # the median itself is kept


def test_released_files_are_of_the_size_promised() -> None:
    released = Rejection.from_pretrained()
    assert released.digit_probability(torch.zeros(2, 1, 28, 28)).shape == (2,)
    assert 0 < released.threshold <= 0.5
    assert 0.2 < released.temperature < 5
