"""The products of the kernels and their gradients against torch's own."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_lightning.models.kernels.sparse_gradient import compiled
from mnist_lightning.models.kernels.training import ONEDNN, OneDNNLinear, SparseConvolution

AVX = torch.backends.cpu.get_cpu_capability().startswith("AVX")
needs_avx = pytest.mark.skipif(not AVX, reason="no AVX here")
needs_compiled = pytest.mark.skipif(compiled() is None, reason="no compiler at install, or no AVX2")


def onednn(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = OneDNNLinear.apply(inputs, weight.t(), bias)
    return product


Ways = Sequence[Callable[..., Tensor]]
LINEAR: tuple[Ways, Any] = ((onednn, F.linear), ((33, 50), (7, 50), (7,)))
ROW = (LINEAR[0], ((1, 50), (7, 50), (7,)))
CONVOLUTIONS: Ways = (SparseConvolution.apply, F.conv2d)
CONVOLUTION = (CONVOLUTIONS, ((2, 32, 8, 6), (16, 32, 3, 3), (16,)))
SMALL = (CONVOLUTIONS, ((2, 32, 4, 4), (16, 32, 3, 3), (16,)))
PRODUCTS = pytest.mark.parametrize(
    ("ways", "shapes"),
    [
        pytest.param(*LINEAR, marks=needs_avx, id="linear"),
        pytest.param(*ROW, marks=needs_avx, id="row"),
        pytest.param(*CONVOLUTION, marks=needs_compiled, id="convolution"),
        pytest.param(*SMALL, marks=needs_compiled, id="small"),
    ],
)


def tensors(shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(shape).requires_grad_() for shape in shapes]


def loss(outputs: Tensor) -> Tensor:
    """Of what follows in the network: a convolution's gradient is zero at most pixels."""
    outputs = F.max_pool2d(outputs, 2).relu() if outputs.dim() == 4 else outputs
    return outputs.square().sum()


@needs_avx
def test_the_private_name_of_torch_is_there() -> None:
    assert ONEDNN, "torch.ops.mkldnn._linear_pointwise is gone: training is slower without it"


@PRODUCTS
@pytest.mark.parametrize("frozen", [None, 0, 1, 2], ids=["none", "inputs", "weight", "bias"])
def test_outputs_and_gradients(ways: Ways, shapes: Any, frozen: int | None) -> None:
    results = []
    for way in ways:
        leaves = tensors(shapes)
        if frozen is not None:
            leaves[frozen].requires_grad_(False)
        outputs = way(*leaves)
        torch.autograd.backward(loss(outputs))
        results.append([outputs, *(leaf.grad for leaf in leaves)])
    if ways == LINEAR[0]:
        assert all(each is None or each.is_contiguous() for each in results[0])
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-3)


@PRODUCTS
def test_gradients_of_gradients(ways: Ways, shapes: Any) -> None:
    results = []
    for way in ways:
        leaves = tensors(shapes)
        first = torch.autograd.grad(loss(way(*leaves)), leaves, create_graph=True)
        penalty = torch.stack([each.square().sum() for each in first]).sum()
        results.append(torch.autograd.grad(penalty, leaves))
    # of numbers up to 1e5 in convolutions
    torch.testing.assert_close(*results, rtol=1e-3, atol=1e-2 if ways == LINEAR[0] else 1)


@needs_avx
def test_memory_that_is_not_in_a_row_and_no_bias() -> None:
    for inputs in (torch.randn(1, 50).expand(3, 50), torch.randn(50, 3).t()):
        results = []
        for way in LINEAR[0]:
            weight = tensors(LINEAR[1])[1]
            torch.autograd.backward(way(inputs, weight, None).sum())  # its gradient is one number
            results.append(weight.grad)
        torch.testing.assert_close(*results)


@needs_compiled
def test_gradients_of_several_outputs_at_once() -> None:
    results = []
    for way in SMALL[0]:
        leaves = tensors(SMALL[1])
        outputs = way(*leaves).flatten()[:3]
        results.append(torch.autograd.grad(outputs, leaves, torch.eye(3), is_grads_batched=True))
    torch.testing.assert_close(*results)
