"""Adam as Keras computes it."""

from collections.abc import Iterable, Sequence
from math import inf, sqrt
from typing import Any

import torch
from torch import Tensor

EPSILON = 1e-7  # keras.optimizers.Adam's default; torch's is 1e-8


class KerasAdam(torch.optim.Adam):
    """Adam with epsilon where Keras puts it: before the bias correction of the second moment.

    Kingma & Ba (2015) write two forms. torch has algorithm 1, with m / (sqrt(v / c) + eps) where c
    is 1 - beta2^t. Keras has the one at the end of their section 2, with m / (sqrt(v) + eps). They
    agree when torch's epsilon is Keras's divided by sqrt(c): 3.2e-6 at the first step, 1e-7 after
    some thousand.

    Args:
        params: Parameters to train.
        lr: Learning rate.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3) -> None:
        # fused: the default is a Python loop on CPU
        super().__init__(params, lr=lr, eps=EPSILON, fused=True)
        self.register_step_pre_hook(_move_epsilon)

    def rates(self, steps: int) -> Tensor:
        """Learning rates, (steps,) float32, of the steps to come, with all corrections in them.

        With lr * sqrt(1 - beta2^t) / (1 - beta1^t) and no correction of the moments, what torch
        computes is the form of Keras.
        """
        (group,) = self.param_groups
        beta1, beta2 = group["betas"]
        t = torch.arange(1.0, steps + 1, dtype=torch.float64, device=group["params"][0].device)
        t += group.get("t", 0)
        rates: Tensor = group["lr"] * (1 - beta2**t).sqrt() / (1 - beta1**t)
        return rates.float()

    @torch.no_grad()
    def step_at(self, rate: Tensor, gradients: Sequence[Tensor]) -> None:
        """Make a step of tensors alone, as a CUDA graph repeats it; ``count`` tells of it later.

        Args:
            rate: One of ``rates``, a scalar.
            gradients: Of each parameter of the only group; a step has been made before.
        """
        (group,) = self.param_groups
        weights = group["params"]
        states = [self.state[weight] for weight in weights]
        beta1, beta2 = group["betas"]
        never = torch.full_like(states[0]["step"], inf)  # beta^inf is 0: nothing to correct
        torch._fused_adam_(
            weights,
            [_laid_out_as(*each) for each in zip(weights, gradients, strict=True)],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [never] * len(states),
            lr=rate,
            beta1=beta1,
            beta2=beta2,
            weight_decay=0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def count(self, steps: int) -> None:
        """Count steps that were made on tensors."""
        (group,) = self.param_groups
        group["t"] = group.get("t", 0) + steps
        torch._foreach_add_([state["step"] for state in self.state.values()], steps)

    def _accelerator_graph_capture_health_check(self) -> None:
        """Check on a GPU alone: without one, torch looks for its driver each step, 0.3 ms."""
        if any(weight.is_cuda for group in self.param_groups for weight in group["params"]):
            super()._accelerator_graph_capture_health_check()


def _move_epsilon(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
    """Set the epsilon of the step to come; counted here, as reading torch's count syncs a GPU."""
    for group in optimizer.param_groups:
        group["t"] = group.get("t", 0) + 1
        group["eps"] = EPSILON / sqrt(1 - group["betas"][1] ** group["t"])


def _laid_out_as(weight: Tensor, gradient: Tensor) -> Tensor:
    """The gradient with the strides of its weight, which the fused step takes for granted."""
    same = gradient.stride() == weight.stride()
    return gradient if same else torch.empty_like(weight).copy_(gradient)
