"""Linear products by oneDNN."""

from typing import Any

import torch
from torch import Tensor

# Where it was measured. The operation is private, but torch's own compiler emits it by this name;
# read in torch 2.14. Where it is missing, layers go torch's way.
ONEDNN = torch.backends.cpu.get_cpu_capability().startswith("AVX") and hasattr(
    torch.ops.mkldnn, "_linear_pointwise"
)


class OneDNNLinear(torch.autograd.Function):
    """A B + c of (M, K), (K, N) and (N,) or None; its gradients are such products again.

    torch leaves float32 products to MKL. For the few rows of a batch oneDNN is faster: the
    original's 7744 x 7744 layer takes 74 ms a step in place of 128, batches of 32 on two cores of
    an AMD EPYC; with AVX2 alone 94 in place of 126. B is a layer's weight, transposed: torch keeps
    that too, and activation checkpointing wants what it computes again to be kept alike.
    """

    @staticmethod
    def forward(a: Tensor, b: Tensor, c: Tensor | None) -> Tensor:
        """Compute (M, N) float32."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise(a, b.t(), c, "none", [], "")
        return product

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep both factors."""
        ctx.save_for_backward(*inputs[:2])

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
