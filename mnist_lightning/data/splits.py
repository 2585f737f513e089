"""Stratified split: a share of each class, taken at random."""

import torch
from torch import Tensor


def stratified(labels: Tensor, size: int, seed: int) -> Tensor:
    """Choose images by stratified sampling, so that each class has its share.

    Shuffled, then sorted by class, every (N / size)-th is taken: systematic sampling.

    Args:
        labels: (N,) int64.
        size: Images to choose, 0 to N.
        seed: Of the shuffling.

    Returns:
        (N,) bool, True for the chosen.
    """
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    by_class = shuffled[labels[shuffled].sort(stable=True).indices]
    every = (torch.arange(size) * len(labels)).div(max(size, 1), rounding_mode="floor")
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[by_class[every]] = True
    return chosen
