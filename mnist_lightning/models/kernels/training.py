"""CPU kernels in place of torch's convolution and linear products, in training."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from mnist_lightning.models.kernels.conditions import ordinary
from mnist_lightning.models.kernels.sparse_gradient import convolution_gradients, fits

# Where it was measured. The operation is private, but torch's own compiler emits it by this name;
# read in torch 2.14. Where it is missing, layers go torch's way.
ONEDNN = torch.backends.cpu.get_cpu_capability().startswith("AVX") and hasattr(
    torch.ops.mkldnn, "_linear_pointwise"
)
# What F.conv2d is given after inputs, weight and bias by a layer as ConvNet has them
UNPADDED = ((1, 1), (0, 0), (1, 1), 1)  # stride, padding, dilation, groups


def _keep_factors(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs[:2])


class OneDNNLinear(torch.autograd.Function):
    """A B + c of (M, K), (K, N) and (N,) or None; its gradients are such products again.

    torch leaves float32 products to MKL. For the few rows of a batch oneDNN is faster: the
    original's 7744 x 7744 layer takes 74 ms a step in place of 128, batches of 32 on two cores of
    an AMD EPYC; with AVX2 alone 94 in place of 126. B is a layer's weight, transposed: torch keeps
    that too, and activation checkpointing wants what it computes again to be kept alike.
    """

    setup_context = staticmethod(_keep_factors)

    @staticmethod
    def forward(a: Tensor, b: Tensor, c: Tensor | None) -> Tensor:
        """Compute (M, N) float32."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise(a, b.t(), c, "none", [], "")
        return product

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of a, b and c."""
        a, b = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            OneDNNLinear.apply(gradient, b.t(), None) if wanted[0] else None,
            # transposed, so that the gradient of the layer's weight lies in memory as the weight
            OneDNNLinear.apply(gradient.t(), a, None).t() if wanted[1] else None,
            gradient.sum(0) if wanted[2] else None,
        )


class SparseConvolution(torch.autograd.Function):
    """Convolution of (B, C, H, W) with (O, C, 3, 3) and (O,) or None, stride 1, no padding.

    Max-pooling sends the gradient to one pixel in four and ReLU to those that are positive: in the
    original's last convolution to 1 number in 7 at first and 1 in 28 after an epoch. A backward
    pass that leaves out the others adds up the same products; it is faster where under half of the
    numbers are left.
    """

    setup_context = staticmethod(_keep_factors)

    @staticmethod
    def forward(inputs: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Compute (B, O, H - 2, W - 2) float32, torch's own way."""
        return F.conv2d(inputs, weight, bias)

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


class TrainingKernels(TorchFunctionMode):
    """Compute the products of a ``with`` block by kernels that are faster on x86 processors.

    Layers stay torch's own: this mode takes the place of two functions that they call, so hooks,
    parametrizations and replaced weights work as ever. Enter it only where ``available`` allows.

    Args:
        convolutions: Also 3x3 convolutions. Their kernel skips zeros in the gradient, which are
            many only where max-pooling or ReLU follows at once.
    """

    def __init__(self, convolutions: bool) -> None:
        super().__init__()
        self.convolutions = convolutions

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a kernel of ours for the products that it knows, else the function itself."""
        if kwargs:
            return func(*args, **kwargs)
        if ONEDNN and func is F.linear:
            inputs, weight, bias = (*args, None)[:3]
            if inputs.dim() == weight.dim() == 2 and ordinary(inputs, weight, bias):
                return OneDNNLinear.apply(inputs, weight.t(), bias)
        convolution = self.convolutions and func is F.conv2d and args[3:] == UNPADDED
        if convolution and fits(*args[:2]) and ordinary(*args[:3]):
            return SparseConvolution.apply(*args[:3])
        return func(*args)
