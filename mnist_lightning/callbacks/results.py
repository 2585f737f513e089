"""What the network answered in one pass over a set of images."""

from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

SHOWN = 9  # right and wrong images kept for the figure, as in the original

Array = NDArray[Any]


class Results:
    """Collect predictions batch by batch, and the first right and wrong images.

    After ``gather`` every rank holds the results of all ranks, in the order of the images.
    """

    def __init__(self) -> None:
        self._digits: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._shown: dict[bool, list[Tensor]] = {True: [], False: []}

    def update(self, images: Tensor, labels: Tensor, logits: Tensor) -> None:
        """Add a batch: (B, 1, H, W), (B,) int64, (B, C)."""
        digits = logits.detach().argmax(dim=1)
        self._digits.append(digits)
        self._labels.append(labels)
        for right, kept in self._shown.items():
            missing = SHOWN - sum(map(len, kept))
            if missing:
                kept.append(images[(digits == labels) == right][:missing])

    def gather(self) -> "Gathered | None":
        """Join the batches of all ranks; None if there was no batch."""
        if not self._digits:
            return None
        right, wrong = (_join(self._shown[key])[:SHOWN] for key in (True, False))
        return Gathered(_join(self._digits), _join(self._labels), right, wrong)


@dataclass(frozen=True)
class Gathered:
    """Predictions of a whole set, and its first images classified correctly and incorrectly.

    Attributes:
        digits: (N,) int64, the predictions.
        labels: (N,) int64, the truth.
        right_images: (up to 9, 1, H, W), the first by index.
        wrong_images: (up to 9, 1, H, W), the first by index.
    """

    digits: Tensor
    labels: Tensor
    right_images: Tensor
    wrong_images: Tensor

    @property
    def right(self) -> int:
        """How many were classified correctly."""
        return int((self.digits == self.labels).sum())

    @property
    def wrong(self) -> int:
        """How many were classified incorrectly."""
        return len(self.labels) - self.right

    def shown(self) -> tuple[Array, Array, Array]:
        """Images, (up to 18, H, W), labels and predictions of the first right and wrong ones."""
        is_right = self.digits == self.labels
        index = torch.cat([(is_right == key).nonzero()[:SHOWN, 0] for key in (True, False)])
        images = torch.cat([self.right_images, self.wrong_images])[:, 0]
        return images.numpy(), self.labels[index].numpy(), self.digits[index].numpy()


def _join(parts: list[Tensor]) -> Tensor:
    whole = torch.cat(parts)
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        whole = torch.cat(gather_all_tensors(whole))
    return whole.cpu()
