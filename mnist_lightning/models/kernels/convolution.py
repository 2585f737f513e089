"""The convolution, whose training skips the zeros of its gradient."""

from typing import Any

import torch
from torch import Tensor, nn

from mnist_lightning.models.kernels.eager import plain, plain_float32
from mnist_lightning.models.kernels.sparse_gradient import (
    IN_MULTIPLE,
    KERNEL_SIZE,
    OUT_MULTIPLE,
    compiled,
    convolution_gradients,
)

SETTINGS = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


class Convolution(nn.Conv2d):
    """``nn.Conv2d``, 3x3 and unpadded, for what is followed by a max-pool or ReLU.

    Max-pooling sends the gradient to one pixel in four and ReLU to those that are positive: in the
    original's last convolution to 1 number in 7 at first and 1 in 28 after an epoch. A backward
    pass on a CPU that leaves out the others adds up the same products; it is faster where under
    half of the numbers are left. Evaluation, other types, input channels that are no multiple of 32
    and output channels that are none of 8 go torch's way.

    Args:
        in_channels: Channels of the inputs.
        out_channels: Channels of the outputs.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, KERNEL_SIZE)

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute (B, out_channels, H - 2, W - 2) from (B, in_channels, H, W)."""
        weight = self.weight  # once: a parametrization may count how often
        if self.training and plain_float32(inputs) and self._suits(inputs, weight):
            outputs: Tensor = _Convolution.apply(inputs, weight, self.bias)
        else:
            outputs = self._conv_forward(inputs, weight, self.bias)
        return outputs

    def _suits(self, inputs: Tensor, weight: Tensor) -> bool:
        outputs, channels, *kernel = weight.shape
        return (
            inputs.dim() == 4
            and kernel == [KERNEL_SIZE] * 2
            and not channels % IN_MULTIPLE
            and not outputs % OUT_MULTIPLE
            and all(getattr(self, name) == value for name, value in SETTINGS.items())
            and compiled() is not None
        )


class _Convolution(torch.autograd.Function):
    """Convolution of (B, C, H, W) with (O, C, 3, 3) and (O,) or None."""

    @staticmethod
    def forward(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return nn.functional.conv2d(inputs, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        # torch's own has gradients of its own
        if torch.is_grad_enabled() or not plain(gradient, inputs, weight):
            settings = ([len(weight)], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, wanted)
            results: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
                gradient, inputs, weight, *settings
            )
            return results
        of_bias = gradient.sum((0, 2, 3)) if wanted[2] else None
        return (*convolution_gradients(inputs, weight, gradient, wanted[:2]), of_bias)
