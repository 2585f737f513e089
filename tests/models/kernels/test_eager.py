"""What looks into operations, as it sees the layers that have some of their own."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from mnist_lightning.models.kernels.convolution import Convolution
from mnist_lightning.models.kernels.dense import Dense
from mnist_lightning.models.kernels.eager import plain, plain_float32

LAYERS = {
    "dense": (Dense(6, 4), nn.Linear(6, 4), (3, 6)),
    "convolution": (Convolution(32, 8), nn.Conv2d(32, 8, 3), (3, 32, 6, 6)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_each_image(name: str) -> None:
    *layers, shape = LAYERS[name]
    torch.manual_seed(0)
    weights = {key: torch.randn_like(each) for key, each in layers[0].named_parameters()}
    images, results = torch.randn(shape), []
    for layer in layers:

        def loss(weights: dict[str, Tensor], image: Tensor, layer: nn.Module = layer) -> Tensor:
            outputs: Tensor = functional_call(layer, weights, (image[None],))
            return outputs.square().sum()

        results.append(vmap(grad(loss), (None, 0))(weights, images))
    torch.testing.assert_close(*results)


def test_plain_is_numbers_in_memory() -> None:
    class Subclass(Tensor):
        """Of a library that keeps more with its numbers, say."""

    assert plain(torch.ones(2), nn.Parameter(torch.ones(2)))
    assert not plain(torch.ones(2), torch.ones(2).as_subclass(Subclass))


@pytest.mark.parametrize(
    "inputs",
    [torch.ones(2, dtype=torch.float64), torch.ones(2, device="meta"), torch.ones(0, 2)],
    ids=["float64", "meta", "empty"],
)
def test_other_inputs_are_left_to_torch(inputs: Tensor) -> None:
    assert plain_float32(torch.ones(2))
    assert not plain_float32(inputs)
