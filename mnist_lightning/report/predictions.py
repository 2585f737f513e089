"""The predictions for a set of images, as far as counts, scores and figures need them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from mnist_lightning.report.scores import Scores

SHOWN = 9  # right and wrong images kept for the figure, as in the original
MISTAKES = 36  # kept, those with the highest loss: an untrained network makes thousands

Array = NDArray[Any]


class Batch(NamedTuple):
    """Images (N, K, H, W) float with labels, (N,) int64 of the truth, and logits (N, C) float."""

    images: Tensor
    labels: Tensor
    logits: Tensor

    def select(self, index: Tensor | slice) -> "Batch":
        """Some of the images."""
        return Batch(*(each[index] for each in self))

    def arrays(self, classes: Sequence[int | str]) -> tuple[Array, Array, Array, Array]:
        """Images (N, H, W) in gray, labels, predictions and losses, for figures."""
        images, predictions = self.images.float().mean(dim=1), self.logits.argmax(dim=1)
        labels, digits = (np.array(classes)[each.numpy()] for each in (self.labels, predictions))
        return images.numpy(), labels, digits, self.losses().numpy()

    def losses(self) -> Tensor:
        """Cross-entropy of each image, (N,) float32, in nats."""
        return F.cross_entropy(self.logits.float(), self.labels, reduction="none")


class Predictions(NamedTuple):
    """The predictions for a whole set, on the CPU."""

    logits: Tensor  # (N, C) float32
    labels: Tensor  # (N,) int64, the truth
    shown: Batch  # the first nine images classified correctly, then the first nine incorrectly
    mistakes: Batch  # up to 36 images classified incorrectly, the highest loss first
    first_images: Tensor  # (up to ``keep_first``, K, H, W), of this rank, on its device
    scores: Scores
    classes: Sequence[int | str]  # of each column of the logits


def choose(batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of the first right images, of the first wrong, and of the highest losses of these."""
    is_right = batch.logits.argmax(dim=1) == batch.labels
    (right,), (wrong,) = is_right.nonzero(as_tuple=True), (~is_right).nonzero(as_tuple=True)
    losses = batch.select(wrong).losses()
    worst = wrong[losses.argsort(descending=True, stable=True)]
    return right[:SHOWN], wrong[:SHOWN], worst[:MISTAKES]
