"""CPU kernels in place of torch's convolution and linear products, in training."""

from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from mnist_lightning.models.kernels.conditions import ordinary
from mnist_lightning.models.kernels.convolution import SparseConvolution, fits
from mnist_lightning.models.kernels.linear import ONEDNN, OneDNNLinear

# What F.conv2d is given after inputs, weight and bias by a layer as ConvNet has them
UNPADDED = ((1, 1), (0, 0), (1, 1), 1)  # stride, padding, dilation, groups


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

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call a kernel of ours for the products that it knows, else the function itself."""
        if not kwargs and func is F.linear and _fits_linear(*args):
            inputs, weight, bias = (*args, None)[:3]
            return OneDNNLinear.apply(inputs, weight.t(), bias)
        if (
            not kwargs
            and func is F.conv2d
            and self.convolutions
            and args[3:] == UNPADDED
            and fits(*args[:2])
            and ordinary(*args[:3])
        ):
            return SparseConvolution.apply(*args[:3])
        return func(*args, **(kwargs or {}))


def _fits_linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> bool:
    """True if oneDNN is there and the product is one of matrices."""
    return ONEDNN and inputs.dim() == weight.dim() == 2 and ordinary(inputs, weight, bias)
