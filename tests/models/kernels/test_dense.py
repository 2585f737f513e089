"""The Dense layer against NumPy in float64 and against torch's own."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from mnist_lightning.models.kernels import dense
from mnist_lightning.models.kernels.dense import Dense

IN, OUT = 50, 7


def pair() -> tuple[Dense, nn.Linear]:
    torch.manual_seed(0)
    ours, theirs = Dense(IN, OUT), nn.Linear(IN, OUT)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def close(given: Tensor, expected: Any) -> None:
    np.testing.assert_allclose(given.detach().numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 32, 33])
def test_output_and_gradients_are_the_products(batch: int) -> None:
    layer, _ = pair()
    inputs, above = torch.randn(batch, IN, requires_grad=True), torch.randn(batch, OUT)
    outputs = layer(inputs)
    outputs.backward(above)
    x, w, b, g = (each.detach().double().numpy() for each in (inputs, *layer.parameters(), above))
    close(outputs, x @ w.T + b)
    for tensor, expected in ((inputs, g @ w), (layer.weight, g.T @ x), (layer.bias, g.sum(axis=0))):
        assert tensor.grad is not None
        close(tensor.grad, expected)
        assert tensor.grad.is_contiguous()


def test_gradients_of_gradients() -> None:
    inputs = torch.randn(4, IN)
    results = []
    for layer in pair():
        loss = layer(inputs).square().sum()
        first = torch.autograd.grad(loss, [*layer.parameters()], create_graph=True)
        penalty = torch.stack([each.square().sum() for each in first]).sum()
        results.append(torch.autograd.grad(penalty, [*layer.parameters()]))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("shape", [(IN,), (2, 3, IN), (0, IN)], ids=str)
def test_shapes_as_torch_takes_them(shape: tuple[int, ...]) -> None:
    inputs = torch.ones(shape)
    results = []
    for layer in pair():
        outputs = layer(inputs)
        outputs.sum().backward()
        results.append([outputs, *(weight.grad for weight in layer.parameters())])
    torch.testing.assert_close(*results)


def test_memory_that_is_not_in_a_row() -> None:
    one, columns = torch.randn(1, IN).expand(3, IN), torch.randn(IN, 3).t()
    for inputs in (one, columns):
        results = []
        for layer in pair():
            layer(inputs).sum().backward()  # its gradient is one number, seen many times
            results.append([weight.grad for weight in layer.parameters()])
        torch.testing.assert_close(*results)


def way(layer: Dense, inputs: Tensor) -> str:
    """Which product the gradient of a layer's output goes through."""
    node = layer(inputs).grad_fn
    return "" if node is None else node.name()


@pytest.mark.skipif(not dense.ONEDNN, reason="no oneDNN here, or no AVX")
def test_onednn_multiplies_in_float32_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, inputs = pair()[0], torch.zeros(2, IN)
    assert way(layer, inputs) == "_ProductBackward"
    assert way(layer.eval(), inputs) != "_ProductBackward"
    assert way(layer.train().double(), inputs.double()) != "_ProductBackward"
    with torch.autocast("cpu", torch.bfloat16):
        assert way(layer.float(), inputs) != "_ProductBackward"
    with torch.no_grad():
        assert way(layer, inputs) == ""
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert way(layer, inputs) != "_ProductBackward", "torch.compile refuses the operation"


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace")  # deprecated, and still how some export
def test_a_trace_made_in_training_trains() -> None:
    (layer, _), inputs = pair(), torch.ones(2, IN)
    traced = torch.jit.trace(layer, inputs)  # type: ignore[no-untyped-call]
    traced(inputs).sum().backward()
    assert layer.weight.grad is not None
    close(layer.weight.grad, np.full((OUT, IN), 2))
