"""Predictions in Python."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor

from mnist_lightning.checkpoints.find import open_checkpoint
from mnist_lightning.data.pictures.folder import OwnImages
from mnist_lightning.handwriting.prediction import Prediction, predictions_of


class Reader:
    """A trained network that reads digits framed as MNIST's.

    Args:
        checkpoint: A path; or ``last`` or ``best`` of the newest run; or None: that run's best, if
            it has one, else its last.

    Attributes:
        checkpoint: What was read.
        scaling: Of the pixels, as the network takes them.

    Raises:
        CheckpointError: There is no checkpoint, or none that is sound.
    """

    def __init__(self, checkpoint: str | None) -> None:
        self.checkpoint = open_checkpoint(checkpoint)
        self.scaling = self.checkpoint.data_module().scaling
        self._classifier = self.checkpoint.classifier()

    def probabilities(self, images: Tensor) -> Tensor:
        """Compute the probability of each class.

        Args:
            images: (B, 1, 28, 28) float32, scaled by ``scaling``.

        Returns:
            (B, C) float.
        """
        with torch.inference_mode():
            probabilities: Tensor = self._classifier.predict_step(images)["probabilities"]
            return probabilities


def predict_images(
    paths: Iterable[str | PathLike[str]], checkpoint: str | PathLike[str]
) -> list[Prediction]:
    """Tell the digits in images of any size, as ``predict --data.predict_path`` does.

    Args:
        paths: Files in PNG, JPEG or BMP, one digit in each, dark on light or light on dark.
        checkpoint: Of the network.

    Returns:
        One prediction for each path, in their order; a file that cannot be read, or holds no digit,
        has its remark.

    Raises:
        CheckpointError: The checkpoint is missing, damaged or of another network.
    """
    reader = Reader(str(checkpoint))
    images = OwnImages(map(Path, paths), reader.scaling)
    return predictions_of(images, [reader.probabilities(batch)[0] for batch, _ in images])
