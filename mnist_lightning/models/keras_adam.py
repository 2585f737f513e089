"""Adam as Keras computes it."""

from collections.abc import Iterable
from math import sqrt
from typing import Any

import torch
from torch import Tensor

LR, EPSILON = 1e-3, 1e-7  # keras.optimizers.Adam's defaults; torch's epsilon is 1e-8


class KerasAdam(torch.optim.Adam):
    """Adam with epsilon where Keras puts it: before the bias correction of the second moment.

    Kingma & Ba (2015) write two forms. torch has algorithm 1, with m / (sqrt(v / c) + eps) where c
    is 1 - beta2^t. Keras has the one at the end of their section 2, with m / (sqrt(v) + eps). They
    agree when torch's epsilon is Keras's divided by sqrt(c): 3.2e-6 at the first step, 1e-7 after
    some thousand.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = LR) -> None:
        # fused: the default is a Python loop on CPU
        super().__init__(params, lr=lr, eps=EPSILON, fused=True)
        self.register_step_pre_hook(_correct_epsilon)
        self.register_load_state_dict_post_hook(_align_moments)

    def _accelerator_graph_capture_health_check(self) -> None:
        """Skip torch's check for CUDA graphs on a CPU: it looks for a driver each step, 0.3 ms.

        A private name, read in torch 2.14; tests/models/test_keras_adam.py fails where it goes.
        """
        if any(weight.is_cuda for group in self.param_groups for weight in group["params"]):
            super()._accelerator_graph_capture_health_check()


def _correct_epsilon(optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
    """Set torch's epsilon for the step to come.

    Steps are counted here, as reading torch's own count would make a GPU wait.
    """
    for group in optimizer.param_groups:
        group["t"] = group.get("t", 0) + 1
        group["eps"] = EPSILON / sqrt(1 - group["betas"][1] ** group["t"])


def _align_moments(optimizer: torch.optim.Optimizer) -> None:
    """Lay loaded moments out in memory as their weights, which the fused step takes for granted.

    Weights of version 0.1 were channels last, and so are the moments in its checkpoints.
    """
    for weight, state in optimizer.state.items():
        for name in ("exp_avg", "exp_avg_sq"):
            if name in state and state[name].stride() != weight.stride():
                state[name] = torch.empty_like(weight).copy_(state[name])
