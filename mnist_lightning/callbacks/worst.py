"""The worst mistakes of a pass."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

Array = NDArray[Any]


class Worst:
    """Keep the images with the highest loss among those classified incorrectly.

    Args:
        count: How many.
    """

    def __init__(self, count: int = 9) -> None:
        self.count = count
        self._kept: list[Tensor] = []  # losses, images, labels, digits, probabilities

    def update(self, images: Tensor, labels: Tensor, logits: Tensor) -> None:
        """Look at a batch: (B, 1, H, W), (B,) int64, (B, C)."""
        probabilities, digits = logits.detach().softmax(dim=1).max(dim=1)
        wrong = digits != labels
        if not wrong.any():
            return
        losses = F.cross_entropy(logits.detach()[wrong], labels[wrong], reduction="none")
        new = [losses, *(each[wrong] for each in (images, labels, digits, probabilities))]
        joined = list(map(torch.cat, zip(self._kept, new, strict=True))) if self._kept else new
        best = joined[0].topk(min(self.count, len(joined[0]))).indices
        self._kept = [each[best] for each in joined]

    def shown(self) -> tuple[Array, Array, Array, Array] | None:
        """Images, (N, H, W), labels, predictions and their probabilities; None without mistakes."""
        if not self._kept:
            return None
        _, images, labels, digits, probabilities = (each.cpu().numpy() for each in self._kept)
        return images[:, 0], labels, digits, probabilities
