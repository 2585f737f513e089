"""The kernels in ConvNet's training, and whoever looks into what it computes."""

import copy
import pickle
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from packaging.version import Version
from torch import Tensor, nn
from torch.ao.quantization import quantize_dynamic
from torch.autograd import forward_ad
from torch.func import functional_call, grad, jvp, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils import parameters_to_vector, parametrizations, prune
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

from mnist_lightning import ConvNet
from mnist_lightning.models.kernels import sparse_gradient, training
from mnist_lightning.models.kernels.sparse_gradient import compiled
from mnist_lightning.models.kernels.training import ONEDNN, TrainingKernels

IMAGES = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
CONV, LINEAR = "SparseConvolutionBackward", "OneDNNLinearBackward"
needs_kernels = pytest.mark.skipif(
    compiled() is None or not ONEDNN, reason="no compiler at install, or no AVX2"
)
Forward = Callable[[ConvNet, Tensor], Tensor]


def network(**options: Any) -> ConvNet:
    torch.manual_seed(0)
    return ConvNet((32, 16), (8,), **options)


def ours(net: ConvNet, images: Tensor) -> Tensor:
    logits: Tensor = net(images)
    return logits


def torchs(net: ConvNet, images: Tensor) -> Tensor:
    """The same layers, which no kernel of ours serves."""
    logits: Tensor = net.head(net.features(images))
    return logits


def kernels(net: ConvNet, images: Tensor = IMAGES) -> list[str]:
    """Run the network; the kernels in its graph, the last layer's first."""
    found, nodes = [], [net(images).grad_fn]
    if Version(torch.__version__) < Version("2.11"):
        pytest.skip("torch 2.10 tells nothing of the nodes of a custom function")
    while nodes:
        node = nodes.pop()
        found += [type(node).__name__] if type(node).__name__ in (CONV, LINEAR) else []
        nodes += [each for each, _ in node.next_functions if each is not None]
    return found


@needs_kernels
def test_where_the_kernels_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    net = network()  # its first convolution has one channel
    assert kernels(net) == [LINEAR, LINEAR, CONV]
    # a gradient that comes out of a normalisation has no zeros to skip
    assert kernels(network(batch_norm=True)) == [LINEAR, LINEAR]
    assert kernels(net.eval()) == []
    assert kernels(net.train().double(), IMAGES.double()) == []
    net.float()
    with torch.autocast("cpu", torch.bfloat16):
        assert kernels(net) == []
    monkeypatch.setattr(sparse_gradient, "compiled", lambda: None)
    assert kernels(net) == [LINEAR, LINEAR]
    monkeypatch.setattr(training, "ONEDNN", False)
    assert kernels(net) == []


def test_layers_are_torchs_own() -> None:
    layers = [module for module in network().modules() if [*module.parameters(recurse=False)]]
    assert [type(layer) for layer in layers] == [nn.Conv2d, nn.Conv2d, nn.Linear, nn.Linear]
    net = ConvNet()
    assert all(weight.is_contiguous() for weight in net.parameters())
    assert parameters_to_vector(net.parameters()).shape == (1_048_394,)


def check(change: Callable[[ConvNet], object], forward: Forward = ours) -> None:
    """Compare outputs and gradients with torch's after a change of the network."""
    results = []
    for way in (forward, torchs):
        net, images = network(), IMAGES.clone().requires_grad_()
        change(net)
        outputs = way(net, images)
        torch.autograd.backward(outputs.square().sum())
        results.append([outputs, images.grad, *(weight.grad for weight in net.parameters())])
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-4)


class Wrapped(nn.Module):
    """A layer that another library has put something around."""

    def __init__(self, layer: nn.Module, around: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer = layer
        self.around = around

    def forward(self, inputs: Tensor) -> Tensor:
        return self.around(self.layer, inputs)


def in_bfloat16(layer: nn.Module, inputs: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        outputs: Tensor = layer(inputs)
    return outputs


def by_keyword(layer: nn.Module, inputs: Tensor) -> Tensor:
    assert isinstance(layer, nn.Linear)
    half = nn.functional.linear(inputs, layer.weight) / 2
    return half + nn.functional.linear(inputs, weight=layer.weight, bias=layer.bias) / 2


def wrap(around: Callable[[nn.Module, Tensor], Tensor]) -> Callable[[ConvNet], None]:
    def change(net: ConvNet) -> None:
        net.head = Wrapped(net.head, around)  # type: ignore[assignment]

    return change


def conv2(net: ConvNet) -> nn.Module:
    return net.get_submodule("features.conv2")


def doubled(_: nn.Module, gradients: Any, __: Any) -> Any:
    return tuple(each * 2 for each in gradients)


def in_float64(net: ConvNet) -> None:
    net.head.double().register_forward_pre_hook(lambda _, inputs: (inputs[0].double(),))


CHANGES: dict[str, Callable[[ConvNet], object]] = {
    "none": lambda net: None,
    "frozen weight": lambda net: conv2(net).weight.requires_grad_(False),
    "frozen bias": lambda net: conv2(net).bias.requires_grad_(False),
    "frozen features": lambda net: net.features.requires_grad_(False),
    "other weights": lambda net: net.head.__init__(8, 5, bias=False),  # type: ignore[misc]
    "a hook": lambda net: conv2(net).register_forward_hook(lambda *hooked: hooked[-1] * 2),
    "a hook of gradients": lambda net: conv2(net).register_full_backward_hook(doubled),
    "weight_norm": lambda net: parametrizations.weight_norm(conv2(net)),
    "pruning": lambda net: prune.l1_unstructured(net.head, "weight", 0.5),  # type: ignore[no-untyped-call]
    "checkpointing": wrap(lambda layer, inputs: checkpoint(layer, inputs, use_reentrant=False)),
    "checkpointed convolutions": lambda net: setattr(
        net,
        "features",
        Wrapped(net.features, lambda layer, x: checkpoint(layer, x, use_reentrant=False)),
    ),
    "autocast within": wrap(in_bfloat16),
    "float64 within": in_float64,
    "linear of two arguments": wrap(by_keyword),
}


@pytest.mark.parametrize("name", CHANGES)
def test_networks_changed_afterwards(name: str) -> None:
    check(CHANGES[name])


SETTINGS: dict[str, dict[str, Any]] = {
    "stride": {"stride": (2, 2)},
    "padding": {"padding": (1, 1)},
    "named padding": {"padding": "same"},
    "dilation": {"dilation": (2, 2)},
    "groups": {"groups": 2, "weight": nn.Parameter(torch.ones(16, 16, 3, 3))},
    "kernel": {"weight": nn.Parameter(torch.ones(16, 32, 5, 5)), "bias": None},
    "channels": {"weight": nn.Parameter(torch.ones(12, 32, 3, 3)), "bias": None},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_changed_afterwards(name: str) -> None:
    results = []
    for kernels in (TrainingKernels(convolutions=True), nullcontext()):
        torch.manual_seed(0)
        layer, inputs = nn.Conv2d(32, 16, 3), torch.randn(2, 32, 8, 8, requires_grad=True)
        for setting, value in SETTINGS[name].items():
            setattr(layer, setting, value)
        with kernels:
            outputs = layer(inputs)
        outputs.square().sum().backward()
        results.append([outputs, inputs.grad, layer.weight.grad])
        layer.weight.grad = None
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-3)


def test_gradients_of_each_image() -> None:
    net = network()

    def loss(weights: dict[str, Tensor], image: Tensor) -> Tensor:
        outputs: Tensor = functional_call(net, weights, (image[None],))
        return outputs.square().sum()

    weights = {name: weight.detach() for name, weight in net.named_parameters()}
    given = vmap(grad(loss), (None, 0))(weights, IMAGES)
    for number, image in enumerate(IMAGES):
        loss_of_one = torchs(net, image[None]).square().sum()
        expected = torch.autograd.grad(loss_of_one, [*net.parameters()])
        torch.testing.assert_close([each[number] for each in given.values()], [*expected])


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # which torch itself still calls
def test_derivatives_in_forward_mode() -> None:
    net, direction = network(), torch.ones_like(IMAGES)
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(IMAGES, direction)  # type: ignore[no-untyped-call]
        given, expected = (
            forward_ad.unpack_dual(way(net, dual)).tangent  # type: ignore[no-untyped-call]
            for way in (ours, torchs)
        )
    torch.testing.assert_close(given, expected)
    torch.testing.assert_close(jvp(net, (IMAGES,), (direction,))[1], expected)


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace")  # deprecated, and still how some export
def test_graphs_made_in_training_train() -> None:
    def gradient(images: Tensor) -> Tensor:
        return torch.autograd.grad(net(images).square().sum(), net.head.weight)[0]

    net, other = network(), IMAGES.flip(3)
    expected = torch.autograd.grad(torchs(net, other).square().sum(), net.head.weight)[0]
    traced = torch.jit.trace(net, IMAGES)  # type: ignore[no-untyped-call]
    given = torch.autograd.grad(traced(other).square().sum(), net.head.weight)[0]
    torch.testing.assert_close(given, expected)
    torch.testing.assert_close(make_fx(gradient)(IMAGES)(other), expected)
    program = torch.export.export(net, (IMAGES,)).module()
    torch.testing.assert_close(program(other), torchs(net, other))


def test_compiled_in_one_graph() -> None:
    compiled_net = torch.compile(ours, backend="aot_eager", fullgraph=True)
    check(lambda net: None, compiled_net)


def test_operations_are_counted_as_torchs() -> None:
    counts = []
    for way in (ours, torchs):
        with FlopCounterMode(display=False) as counter:
            way(network(), IMAGES).sum().backward()  # type: ignore[no-untyped-call]
        counts.append(counter.get_flop_counts()["Global"])
    assert counts[0] == counts[1]
    assert len(counts[0]) > 2, "products and convolutions, and the latter's gradients"


class Subclass(Tensor):
    """Of a library that keeps more with its numbers, say."""


@pytest.mark.parametrize(
    "convert",
    [
        lambda tensor: tensor.to("meta"),
        lambda tensor: tensor.to(torch.bfloat16),
        lambda tensor: tensor.double(),
    ],
    ids=["another device", "bfloat16", "float64"],
)
def test_other_kinds_of_tensors(convert: Callable[[Tensor], Tensor]) -> None:
    images = convert(IMAGES)
    net = network().to(images.device, images.dtype)
    outputs = net(images)
    outputs.sum().backward()
    assert (outputs.shape, outputs.dtype, outputs.device) == ((3, 10), images.dtype, images.device)


def test_tensors_of_a_subclass_and_empty_batches() -> None:
    net = network()
    outputs = net(IMAGES.as_subclass(Subclass))
    assert isinstance(outputs, Subclass)
    torch.testing.assert_close(outputs.as_subclass(Tensor), torchs(net, IMAGES))
    assert net(IMAGES[:0]).shape == (0, 10)


def test_copies_and_pickles_train() -> None:
    net = network()
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert kernels(twin) == kernels(net)
        torch.testing.assert_close(twin(IMAGES), net(IMAGES))


def test_an_error_leaves_nothing_behind() -> None:
    net = network()
    net.head = nn.Linear(1, 10)
    with pytest.raises(RuntimeError):
        net(IMAGES)
    layer = nn.Linear(4, 4)
    assert layer(torch.ones(2, 4)).grad_fn.__class__.__name__ != LINEAR


@pytest.mark.filterwarnings("ignore:.*deprecated")  # quantization moves to another package
def test_all_linear_layers_are_quantized() -> None:
    quantized = quantize_dynamic(network().eval(), {nn.Linear})  # type: ignore[no-untyped-call]
    dense = [quantized.get_submodule(name) for name in ("features.dense1", "head")]
    assert all("quantized" in type(layer).__module__ for layer in dense)
    assert quantized(IMAGES).shape == (3, 10)
