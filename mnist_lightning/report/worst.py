"""The worst mistakes of one pass over a set of images."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from mnist_lightning.report.results import Array, join


@dataclass(frozen=True)
class Mistakes:
    """Images classified incorrectly.

    Attributes:
        images: (N, H, W) float32.
        labels: (N,) int64, the truth.
        digits: (N,) int64, the predictions.
        probabilities: (N,) float32, of the predictions.
    """

    images: Array
    labels: Array
    digits: Array
    probabilities: Array


class Worst:
    """Collect mistakes batch by batch.

    Args:
        count: How many to keep at the end, those with the highest loss.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._batches: list[tuple[Tensor, Tensor, Tensor]] = []

    def update(self, images: Tensor, labels: Tensor, logits: Tensor) -> None:
        """Add a batch: (B, 1, H, W), (B,) int64, (B, C)."""
        wrong = logits.argmax(dim=1) != labels
        self._batches.append((images[wrong], labels[wrong], logits.detach()[wrong]))

    def gather(self) -> Mistakes | None:
        """Join the batches of all ranks, the highest loss first; None if there was no batch."""
        if not self._batches:
            return None
        images, labels, logits = (join(list(parts)) for parts in zip(*self._batches, strict=True))
        losses = F.cross_entropy(logits.float(), labels, reduction="none")
        index = losses.argsort(descending=True, stable=True)[: self.count]
        chances, digits = logits[index].float().softmax(dim=1).max(dim=1)
        parts = images[index, 0].float(), labels[index], digits, chances
        return Mistakes(*(each.numpy() for each in parts))
