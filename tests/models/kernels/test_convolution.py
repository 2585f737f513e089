"""The convolution that skips zeros in its backward pass against torch's own."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_lightning.models.kernels import sparse_gradient
from mnist_lightning.models.kernels.sparse_gradient import compiled, fits
from mnist_lightning.models.kernels.training import SparseConvolution

IN, OUT = 32, 16
WAYS: tuple[Callable[..., Tensor], ...] = (SparseConvolution.apply, F.conv2d)
pytestmark = pytest.mark.skipif(compiled() is None, reason="no compiler at install, or no AVX2")


def tensors(size: tuple[int, int] = (8, 6)) -> list[Tensor]:
    torch.manual_seed(0)
    shapes = ((2, IN, *size), (OUT, IN, 3, 3), (OUT,))
    return [torch.randn(shape).requires_grad_() for shape in shapes]


def loss(outputs: Tensor) -> Tensor:
    """Of what follows in the network: the gradient is zero at most pixels."""
    return F.max_pool2d(outputs, 2).relu().square().sum()


@pytest.mark.parametrize("frozen", [None, 0, 1, 2], ids=["none", "inputs", "weight", "bias"])
@pytest.mark.parametrize("size", [(10, 8), (4, 4)])
def test_outputs_and_gradients(size: tuple[int, int], frozen: int | None) -> None:
    results = []
    for way in WAYS:
        leaves = tensors(size)
        if frozen is not None:
            leaves[frozen].requires_grad_(False)
        outputs = way(*leaves)
        loss(outputs).backward()  # type: ignore[no-untyped-call]
        results.append([outputs, *(leaf.grad for leaf in leaves)])
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-3)


def test_gradients_of_gradients() -> None:
    results = []
    for way in WAYS:
        leaves = tensors()
        first = torch.autograd.grad(loss(way(*leaves)), leaves, create_graph=True)
        penalty = torch.stack([each.square().sum() for each in first]).sum()
        results.append(torch.autograd.grad(penalty, leaves))
    torch.testing.assert_close(*results, rtol=1e-3, atol=1)  # of numbers up to 1e5


def test_gradients_of_several_outputs_at_once() -> None:
    results = []
    for way in WAYS:
        leaves = tensors((4, 4))
        outputs = way(*leaves).flatten()[:3]
        results.append(torch.autograd.grad(outputs, leaves, torch.eye(3), is_grads_batched=True))
    torch.testing.assert_close(*results)


def test_the_shapes_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, weight, _ = tensors()
    assert fits(inputs, weight)
    assert not fits(inputs[0], weight)
    for shape in ((OUT, IN + 8, 3, 3), (12, IN, 3, 3), (OUT, IN, 5, 5), (OUT, IN, 3)):
        assert not fits(inputs, torch.empty(shape))
    monkeypatch.setattr(sparse_gradient, "compiled", lambda: None)
    assert not fits(inputs, weight)
