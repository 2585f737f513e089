"""What the network answered in one pass over a set of images."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from lightning import LightningModule
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from mnist_lightning.report.scores import Scores, evaluate

SHOWN = 9  # right and wrong images kept for the figure, as in the original

Array = NDArray[Any]


class Results:
    """Collect logits batch by batch, and the first right and wrong images.

    After ``gather`` every rank holds the results of all ranks, in the order of the images.
    """

    def __init__(self) -> None:
        self._logits: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._shown: dict[bool, list[Tensor]] = {True: [], False: []}

    def update(self, images: Tensor, labels: Tensor, logits: Tensor) -> None:
        """Add a batch: (B, 1, H, W), (B,) int64, (B, C)."""
        self._logits.append(logits.detach())
        self._labels.append(labels)
        is_right = logits.argmax(dim=1) == labels
        for right, kept in self._shown.items():
            missing = SHOWN - sum(map(len, kept))
            if missing:
                kept.append(images[is_right == right][:missing])

    def gather(self) -> "Gathered | None":
        """Join the batches of all ranks; None if there was no batch."""
        if not self._logits:
            return None
        right, wrong = (join(self._shown[key])[:SHOWN].float() for key in (True, False))
        return Gathered(join(self._logits).float(), join(self._labels), right, wrong)


@dataclass(frozen=True)
class Gathered:
    """Logits of a whole set, and its first images classified correctly and incorrectly.

    Attributes:
        logits: (N, C) float32.
        labels: (N,) int64, the truth.
        right_images: (up to 9, 1, H, W) float32, the first by index.
        wrong_images: (up to 9, 1, H, W) float32, the first by index.
    """

    logits: Tensor
    labels: Tensor
    right_images: Tensor
    wrong_images: Tensor

    @cached_property
    def digits(self) -> Tensor:
        """The predictions, (N,) int64."""
        return self.logits.argmax(dim=1)

    @cached_property
    def scores(self) -> Scores:
        """What they are worth."""
        return evaluate(self.logits, self.labels)

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


def logits_of(module: LightningModule, outputs: Any, images: Tensor) -> Tensor:
    """The logits among a step's outputs; a module that does not return them is asked again."""
    kept = isinstance(outputs, dict) and "logits" in outputs
    logits: Tensor = outputs["logits"] if kept else module(images)
    return logits


def join(parts: list[Tensor]) -> Tensor:
    """Join batches, and those of all ranks in a row; every rank must ask."""
    whole = torch.cat(parts)
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        whole = torch.cat(gather_all_tensors(whole))
    return whole.cpu()
