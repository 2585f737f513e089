"""The network against closed forms and plain functions."""

import pytest
import torch
from torch.nn import functional as F

from mnist_lightning import ConvNet


def test_computes_convolutions_relu_pool_dense() -> None:
    net = ConvNet((3, 4, 5), (6,)).double()
    for parameter in net.parameters():  # biases too, zero at the start
        torch.nn.init.normal_(parameter, std=0.3)
    images = torch.rand(4, 1, 28, 28, dtype=torch.float64)
    weights = list(net.parameters())
    x = images
    for i in range(3):
        x = F.relu(F.conv2d(x, weights[2 * i], weights[2 * i + 1]))
    x = F.max_pool2d(x, 2).flatten(1)
    features = F.relu(x @ weights[6].T + weights[7])
    logits = features @ weights[8].T + weights[9]
    torch.testing.assert_close(net.features(images), features, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(net(images), logits, rtol=1e-12, atol=1e-12)
    assert (logits < 0).any(), "no ReLU on the logits"


def test_normalises_over_the_batch_before_each_relu() -> None:
    net = ConvNet((3, 4), (6,), batch_norm=True).double()
    images = torch.rand(4, 1, 28, 28, dtype=torch.float64)
    x = images
    for i in (1, 2):
        x = F.conv2d(x, net.get_parameter(f"features.conv{i}.weight"))
        mean, variance = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), False, keepdim=True)
        x = F.relu((x - mean) / (variance + 1e-5).sqrt())
    x = F.max_pool2d(x, 2).flatten(1) @ net.get_parameter("features.dense1.weight").T
    features = F.relu((x - x.mean(0)) / (x.var(0, False) + 1e-5).sqrt())
    torch.testing.assert_close(net(images), net.head(features), rtol=1e-9, atol=1e-9)
    net.eval()
    torch.testing.assert_close(net(images)[:2], net(images[:2]), msg="each image by itself")


def test_drops_inputs_of_dense_layers_in_training_alone() -> None:
    torch.manual_seed(0)
    net, images = ConvNet((2,), (400,), dropout=0.25), torch.rand(3, 1, 28, 28)
    seen: list[torch.Tensor] = []
    for layer in (net.get_submodule("features.dense1"), net.head):
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    torch.nn.init.ones_(net.get_parameter("features.dense1.bias"))
    net(images)
    net.eval()
    net(images)
    for dropped, whole in ((seen[0], seen[2]), (seen[1], seen[3])):
        lost = (dropped == 0) & (whole > 0)
        assert lost.sum().item() / (whole > 0).sum().item() == pytest.approx(0.25, abs=0.05)
    torch.testing.assert_close(seen[0][seen[0] > 0], seen[2][seen[0] > 0] / 0.75)
