"""Linear products by oneDNN against NumPy in float64 and against torch's own."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_lightning.models.kernels.training import ONEDNN, OneDNNLinear

IN, OUT = 50, 7
pytestmark = pytest.mark.skipif(
    not torch.backends.cpu.get_cpu_capability().startswith("AVX"), reason="no AVX here"
)


def onednn(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    product: Tensor = OneDNNLinear.apply(inputs, weight.t(), bias)
    return product


WAYS = (onednn, F.linear)


def test_the_private_name_of_torch_is_there() -> None:
    assert ONEDNN, "torch.ops.mkldnn._linear_pointwise is gone: training is slower without it"


def tensors(batch: int = 4) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(size).requires_grad_() for size in ((batch, IN), (OUT, IN), (OUT,))]


def close(given: Tensor | None, expected: Any) -> None:
    assert given is not None
    np.testing.assert_allclose(given.detach().numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 32, 33])
def test_output_and_gradients_are_the_products(batch: int) -> None:
    leaves, above = tensors(batch), torch.randn(batch, OUT)
    outputs = onednn(*leaves)
    torch.autograd.backward(outputs, above)
    x, w, b, g = (each.detach().double().numpy() for each in (*leaves, above))
    close(outputs, x @ w.T + b)
    for leaf, expected in zip(leaves, (g @ w, g.T @ x, g.sum(axis=0)), strict=True):
        close(leaf.grad, expected)
        assert leaf.grad is not None
        assert leaf.grad.is_contiguous()


def test_gradients_of_gradients() -> None:
    results = []
    for way in WAYS:
        leaves = tensors()
        first = torch.autograd.grad(way(*leaves).square().sum(), leaves, create_graph=True)
        penalty = torch.stack([each.square().sum() for each in first]).sum()
        results.append(torch.autograd.grad(penalty, leaves))
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("frozen", range(3), ids=["inputs", "weight", "bias"])
def test_what_is_frozen_gets_no_gradient(frozen: int) -> None:
    results = []
    for way in WAYS:
        leaves = tensors()
        leaves[frozen].requires_grad_(False)
        torch.autograd.backward(way(*leaves).square().sum())
        results.append([leaf.grad for leaf in leaves])
    assert results[0][frozen] is None
    torch.testing.assert_close(*results, rtol=1e-5, atol=1e-4)


def test_memory_that_is_not_in_a_row_and_no_bias() -> None:
    for inputs in (torch.randn(1, IN).expand(3, IN), torch.randn(IN, 3).t()):
        results = []
        for way in WAYS:
            weight = tensors()[1]
            torch.autograd.backward(
                way(inputs, weight, None).sum()
            )  # its gradient is one number, often seen
            results.append(weight.grad)
        torch.testing.assert_close(*results)
