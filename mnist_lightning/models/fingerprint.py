"""Whether a network is still the one that it was."""

from math import isnan

import torch
from torch import Tensor, nn


def fingerprint(module: nn.Module) -> tuple[float, ...]:
    """Sum each weight and buffer that checkpoints hold; another network has other sums."""
    tensors = (each for each in module.state_dict().values() if isinstance(each, Tensor))
    sums = (each.sum(dtype=torch.float64).item() for each in tensors)
    return tuple(0.0 if isnan(each) else each for each in sums)  # which is not equal to itself
