"""Adam as Keras computes it."""

from collections.abc import Iterable
from math import sqrt
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

    def _accelerator_graph_capture_health_check(self) -> None:
        """Check on a GPU alone: without one, torch looks for its driver each step, 0.3 ms."""
        if any(weight.is_cuda for group in self.param_groups for weight in group["params"]):
            super()._accelerator_graph_capture_health_check()


def _move_epsilon(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
    """Set the epsilon of the step to come; counted here, as reading torch's count syncs a GPU."""
    for group in optimizer.param_groups:
        group["t"] = group.get("t", 0) + 1
        group["eps"] = EPSILON / sqrt(1 - group["betas"][1] ** group["t"])
