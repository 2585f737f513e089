"""The 3x3 convolution whose backward pass skips zeros."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from mnist_lightning.models.kernels.conditions import ordinary
from mnist_lightning.models.kernels.sparse_gradient import (
    IN_MULTIPLE,
    KERNEL_SIZE,
    OUT_MULTIPLE,
    compiled,
    convolution_gradients,
)


class SparseConvolution(torch.autograd.Function):
    """Convolution of (B, C, H, W) with (O, C, 3, 3) and (O,) or None, stride 1, no padding.

    Max-pooling sends the gradient to one pixel in four and ReLU to those that are positive: in the
    original's last convolution to 1 number in 7 at first and 1 in 28 after an epoch. A backward
    pass that leaves out the others adds up the same products; it is faster where under half of the
    numbers are left.
    """

    @staticmethod
    def forward(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Compute (B, O, H - 2, W - 2) float32, torch's own way."""
        return F.conv2d(inputs, weight, bias)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep inputs and weight."""
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of inputs, weight and bias."""
        inputs, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        # A gradient of the gradient, or a batch of gradients: torch's own operation has both
        if torch.is_grad_enabled() or not ordinary(gradient, inputs, weight):
            settings = ([len(weight)], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, wanted)
            results: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
                gradient, inputs, weight, *settings
            )
            return results
        of_bias = gradient.sum((0, 2, 3)) if wanted[2] else None
        return (*convolution_gradients(inputs, weight, gradient, wanted[:2]), of_bias)


def fits(inputs: Tensor, weight: Tensor) -> bool:
    """True if the compiled kernel is there and made for these shapes."""
    outputs, channels, *kernel = weight.shape
    return (
        inputs.dim() == 4
        and kernel == [KERNEL_SIZE] * 2
        and not channels % IN_MULTIPLE
        and not outputs % OUT_MULTIPLE
        and compiled() is not None
    )
