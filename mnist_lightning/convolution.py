"""The convolution, whose training skips the zeros of its gradient."""

from typing import Any

import torch
from torch import Tensor, nn

from mnist_lightning.eager import trains_eagerly
from mnist_lightning.sparse_gradient import KERNEL_SIZE, MULTIPLE, compiled, convolution_gradients


class Convolution(nn.Conv2d):
    """``nn.Conv2d``, 3x3 and unpadded, for what is followed by a max-pool or ReLU.

    Max-pooling sends the gradient to one pixel in four and ReLU to those that are positive: in the
    original's last convolution to 1 number in 7 at first and 1 in 28 after an epoch. A backward
    pass on a CPU that leaves out the others computes the same sums; see `sparse_gradient`.
    Evaluation, other types and widths that are no multiples of 8 go torch's way.

    Args:
        in_channels: Channels of the inputs.
        out_channels: Channels of the outputs.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, KERNEL_SIZE)

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute (B, out_channels, H - 2, W - 2) from (B, in_channels, H, W)."""
        if self.training and self._suits and inputs.dim() == 4 and trains_eagerly(inputs):
            outputs: Tensor = _Convolution.apply(inputs, self.weight, self.bias)
            return outputs
        return super().forward(inputs)

    @property
    def _suits(self) -> bool:
        channels = (self.in_channels, self.out_channels)
        return not any(each % MULTIPLE for each in channels) and compiled() is not None


class _Convolution(torch.autograd.Function):
    """Convolution of (B, C, H, W) with (O, C, 3, 3) and (O,)."""

    @staticmethod
    def forward(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return nn.functional.conv2d(inputs, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        if torch.is_grad_enabled():  # gradients of gradients are wanted: torch knows them
            settings = ([len(weight)], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, wanted)
            results: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
                gradient, inputs, weight, *settings
            )
            return results
        of_bias = gradient.sum((0, 2, 3)) if wanted[2] else None
        return (*convolution_gradients(inputs, weight, gradient, wanted[:2]), of_bias)
