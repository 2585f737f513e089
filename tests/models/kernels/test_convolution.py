"""The convolution against torch's own."""

import pytest
import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.testing._internal.two_tensor import TwoTensor

from mnist_lightning import ConvNet
from mnist_lightning.models.kernels import convolution
from mnist_lightning.models.kernels.convolution import Convolution
from mnist_lightning.models.kernels.sparse_gradient import compiled

IN, OUT = 32, 16
OWN = "_ConvolutionBackward"
needs_compiled = pytest.mark.skipif(compiled() is None, reason="no compiler at install, or no AVX2")


def pair(channels: int = IN) -> tuple[nn.Conv2d, nn.Conv2d]:
    torch.manual_seed(0)
    ours, theirs = Convolution(channels, OUT), nn.Conv2d(channels, OUT, 3)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def followed(layer: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(layer, nn.MaxPool2d(2), nn.ReLU())


@pytest.mark.parametrize(
    "shape", [(4, IN, 10, 8), (1, IN, 4, 4), (IN, 6, 6), (0, IN, 6, 6)], ids=str
)
def test_as_torch_computes_it(shape: tuple[int, ...]) -> None:
    images = torch.randn(shape)
    results = []
    for layer in pair():
        inputs = images.clone().requires_grad_()
        outputs = followed(layer)(inputs)
        outputs.square().sum().backward()
        leaves = (inputs, *layer.parameters())
        results.append([outputs, *(each.grad for each in leaves)])
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("frozen", ["inputs", "weight", "bias"])
def test_what_is_frozen_gets_no_gradient(frozen: str) -> None:
    results = []
    for layer in pair():
        tensors = {"inputs": torch.ones(2, IN, 6, 6), "weight": layer.weight, "bias": layer.bias}
        for name, tensor in tensors.items():
            assert tensor is not None
            tensor.requires_grad_(name != frozen)
        followed(layer)(tensors["inputs"]).sum().backward()
        results.append([tensor.grad for tensor in tensors.values() if tensor is not None])
    torch.testing.assert_close(*results)


def test_gradients_of_gradients() -> None:
    inputs = torch.randn(2, IN, 6, 6)
    results = []
    for layer in pair():
        loss = followed(layer)(inputs).square().sum()
        first = torch.autograd.grad(loss, [*layer.parameters()], create_graph=True)
        penalty = torch.stack([each.square().sum() for each in first]).sum()
        results.append(torch.autograd.grad(penalty, [*layer.parameters()]))
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-3)


def way(layer: nn.Module, inputs: Tensor) -> str:
    """Which operation the gradient of a layer's output goes through."""
    node = layer(inputs).grad_fn
    return "" if node is None else node.name()


@needs_compiled
def test_zeros_are_skipped_in_float32_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, inputs = pair()[0], torch.zeros(2, IN, 6, 6)
    assert way(layer, inputs) == OWN
    assert way(layer.eval(), inputs) != OWN
    assert way(layer.train().double(), inputs.double()) != OWN
    assert way(pair(channels=IN + 8)[0], torch.zeros(2, IN + 8, 6, 6)) != OWN
    with torch.autocast("cpu", torch.bfloat16):
        assert way(layer.float(), inputs) != OWN
    assert way(layer.to("meta"), inputs.to("meta")) != OWN
    layer = pair()[0]
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert way(layer, inputs) != OWN, "torch.compile cannot look into it"


@needs_compiled
def test_the_default_network_skips_them() -> None:
    calls = []
    for norm in (False, True):
        net = ConvNet(batch_norm=norm)
        for module in net.modules():
            if isinstance(module, nn.Conv2d):
                module.register_forward_hook(lambda _, __, out: calls.append(out.grad_fn.name()))
        net(torch.rand(2, 1, 28, 28))
    # the first has one input channel; a gradient that comes out of a normalisation has no zeros
    assert [name == OWN for name in calls] == [False, True, True, False, False, False]


@pytest.mark.parametrize(
    ("name", "value"), [("stride", (2, 2)), ("padding", (1, 1)), ("dilation", (2, 2))]
)
def test_settings_changed_afterwards_count(name: str, value: tuple[int, int]) -> None:
    inputs, results = torch.randn(2, IN, 8, 8), []
    for layer in pair():
        setattr(layer, name, value)
        outputs = layer(inputs)
        outputs.sum().backward()
        results.append([outputs, layer.weight.grad])
    torch.testing.assert_close(*results)


@pytest.mark.parametrize("kernel", [(12, IN, 3, 3), (OUT, IN, 5, 5)], ids=str)
def test_weights_replaced_afterwards_count(kernel: tuple[int, ...]) -> None:
    weight, results = torch.randn(kernel), []
    for layer in pair():
        layer.weight, layer.bias = nn.Parameter(weight), None
        layer(torch.ones(2, IN, 6, 6)).sum().backward()
        results.append(layer.weight.grad)
    torch.testing.assert_close(*results)


def test_groups_made_afterwards_count() -> None:
    results = []
    for layer in pair():
        layer.groups = 2
        layer(torch.ones(2, 2 * IN, 6, 6)).sum().backward()
        results.append(layer.weight.grad)
    torch.testing.assert_close(*results)


def test_gradients_of_several_outputs_at_once() -> None:
    inputs, results = torch.randn(1, IN, 4, 4), []
    for layer in pair():
        outputs = layer(inputs).flatten()[:3]
        results.append(
            torch.autograd.grad(outputs, [layer.weight], torch.eye(3), is_grads_batched=True)
        )
    torch.testing.assert_close(*results)


def test_tensors_without_numbers() -> None:
    inputs = torch.randn(2, IN, 6, 6)
    layer, theirs = pair()
    layer(TwoTensor(inputs, 2 * inputs)).sum().backward()
    theirs(inputs).sum().backward()
    assert isinstance(layer.weight.grad, TwoTensor)
    torch.testing.assert_close(layer.weight.grad.a, theirs.weight.grad)


def test_a_graph_of_the_gradient_is_right_for_other_inputs() -> None:
    layer = pair()[0]

    def gradient(inputs: Tensor) -> Tensor:
        return torch.autograd.grad(layer(inputs).square().sum(), layer.weight)[0]

    graph = make_fx(gradient)(torch.randn(2, IN, 6, 6))
    other = torch.randn(2, IN, 6, 6)
    torch.testing.assert_close(graph(other), gradient(other))


def test_without_a_compiler_it_is_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "compiled", lambda: None)
    layer, inputs = pair()[0], torch.ones(2, IN, 6, 6)
    assert way(layer, inputs) != OWN
    torch.testing.assert_close(layer(inputs), pair()[1](inputs))


@needs_compiled
@pytest.mark.filterwarnings("ignore:.*torch.jit.trace")  # deprecated, and still how some export
def test_a_trace_made_in_training_trains() -> None:
    (layer, theirs), inputs = pair(), torch.ones(2, IN, 6, 6)
    traced = torch.jit.trace(layer, inputs)  # type: ignore[no-untyped-call]
    for each in (traced, theirs):
        each(inputs).sum().backward()
    torch.testing.assert_close(layer.weight.grad, theirs.weight.grad)
