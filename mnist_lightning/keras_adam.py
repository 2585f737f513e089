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

    @torch.no_grad()
    def step_on_tensors(self, gradients: Sequence[Tensor], lr: Tensor) -> None:
        """Make a step of tensors alone, as a CUDA graph repeats it; ``count`` tells of it later.

        With lr * sqrt(1 - beta2^t) / (1 - beta1^t) for the learning rate and no other correction,
        what torch computes is the form of Keras.

        Args:
            gradients: Of each parameter of the only group; a step has been made before.
            lr: Learning rate, a float32 scalar where the parameters lie.
        """
        (group,) = self.param_groups
        beta1, beta2 = group["betas"]
        states = [self.state[weight] for weight in group["params"]]
        counts = [state["step"] for state in states]
        torch._foreach_add_(counts, 1)
        t = counts[0].double()
        rate = lr * (1 - beta2**t).sqrt() / (1 - beta1**t)
        torch._fused_adam_(
            group["params"],
            list(gradients),
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [torch.full_like(counts[0], inf)] * len(counts),  # beta^inf is 0: nothing to correct
            lr=rate.float(),
            beta1=beta1,
            beta2=beta2,
            weight_decay=0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def count(self, steps: int) -> None:
        """Count steps that were made on tensors."""
        for group in self.param_groups:
            group["t"] = group.get("t", 0) + steps

    def _accelerator_graph_capture_health_check(self) -> None:
        """Check on a GPU alone: without one, torch looks for its driver each step, 0.3 ms."""
        if any(weight.is_cuda for group in self.param_groups for weight in group["params"]):
            super()._accelerator_graph_capture_health_check()


def _move_epsilon(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
    """Set the epsilon of the step to come; counted here, as reading torch's count syncs a GPU."""
    assert isinstance(optimizer, KerasAdam)
    optimizer.count(1)
    for group in optimizer.param_groups:
        group["eps"] = EPSILON / sqrt(1 - group["betas"][1] ** group["t"])
