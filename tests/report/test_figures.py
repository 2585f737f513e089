"""Gradients where they are known."""

import torch
from torch import Tensor, nn

from mnist_lightning.report.figures import margin_gradients


def test_of_a_linear_network_they_are_differences_of_its_weights() -> None:
    linear = nn.Linear(12, 5)
    net = nn.Sequential(nn.Flatten(), linear)
    with torch.inference_mode():  # as in a test
        images, labels, digits = torch.rand(2, 1, 3, 4), torch.tensor([0, 3]), torch.tensor([4, 1])
        given = margin_gradients(net, images, labels, digits)
    expected = (linear.weight[[4, 1]] - linear.weight[[0, 3]]).reshape(2, 3, 4)
    torch.testing.assert_close(given, expected)
    assert linear.weight.grad is None


def test_noise_smooths_a_step() -> None:
    class Step(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            ink = (images.flatten(1).sum(dim=1, keepdim=True) - 1).relu()
            return torch.cat([torch.zeros_like(ink), ink], dim=1)

    image = torch.tensor([[[[0.0, 1.0]]]])  # at the edge, where half of the copies are beyond
    gradients = margin_gradients(Step(), image, torch.tensor([0]), torch.tensor([1]))
    assert ((gradients > 0.2) & (gradients < 0.8)).all()
