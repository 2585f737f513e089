"""The convolution against torch's own."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from mnist_lightning import ConvNet, convolution
from mnist_lightning.convolution import Convolution
from mnist_lightning.sparse_gradient import compiled

IN, OUT = 8, 16
OWN = "_ConvolutionBackward"
needs_compiled = pytest.mark.skipif(
    compiled() is None, reason="no C compiler on installing, or no AVX2"
)


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


def test_gradients_of_each_image() -> None:
    inputs = torch.randn(3, IN, 6, 6)
    results = []
    for layer in pair():
        weights: dict[str, Tensor] = dict(layer.named_parameters())

        def loss(weights: dict[str, Tensor], image: Tensor, layer: nn.Module = layer) -> Tensor:
            outputs: Tensor = functional_call(layer, weights, (image[None],))
            return outputs.square().sum()

        results.append(vmap(grad(loss), (None, 0))(weights, inputs))
    torch.testing.assert_close(*results)


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
    assert way(pair(channels=IN + 1)[0], torch.zeros(2, IN + 1, 6, 6)) != OWN
    with torch.autocast("cpu", torch.bfloat16):
        assert way(layer.float(), inputs) != OWN
    with torch.no_grad():
        assert way(layer, inputs) == ""
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
