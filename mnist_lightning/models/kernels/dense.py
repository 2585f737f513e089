"""The Dense layer, with oneDNN's products."""

from typing import Any

import torch
from torch import Tensor, nn

from mnist_lightning.models.kernels.eager import plain_float32

# where it was measured; torch's own compiler calls the same operation
ONEDNN = torch.backends.cpu.get_cpu_capability().startswith("AVX") and hasattr(
    torch.ops.mkldnn, "_linear_pointwise"
)


class Dense(nn.Linear):
    """``nn.Linear``, whose training on a CPU multiplies with oneDNN.

    torch leaves float32 products to MKL. For the few rows of a batch oneDNN is faster: the
    original's 7744 x 7744 layer takes 74 ms a step in place of 128, batches of 32 on two cores of
    an AMD EPYC; with AVX2 alone 94 in place of 126. Evaluation, other types and other processors
    go torch's way.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute (B, out_features) from (B, in_features)."""
        if ONEDNN and self.training and plain_float32(inputs) and inputs.dim() == 2:
            outputs: Tensor = _Product.apply(inputs, self.weight, self.bias)
            return outputs
        return super().forward(inputs)


class _Product(torch.autograd.Function):
    """A B' + c of (M, K), (N, K) and (N,) or None; its gradients are such products again."""

    @staticmethod
    def forward(a: Tensor, b: Tensor, c: Tensor | None) -> Tensor:
        product: Tensor = torch.ops.mkldnn._linear_pointwise(a, b, c, "none", [], "")
        return product

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        a, b = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        return (
            _Product.apply(gradient, b.t(), None) if wanted[0] else None,
            _Product.apply(gradient.t(), a.t(), None) if wanted[1] else None,
            gradient.sum(0) if wanted[2] else None,
        )
