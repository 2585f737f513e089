"""Predictions in Python."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor

from mnist_lightning.checkpoints.find import open_checkpoint, read_classifier
from mnist_lightning.data.datamodule import MNISTDataModule
from mnist_lightning.data.pictures.folder import OwnImages
from mnist_lightning.handwriting.prediction import Prediction, predictions_of


class Reader:
    """A trained network, given digits as MNIST stores them.

    Args:
        checkpoint: A path; or ``last`` or ``best`` of the newest run; or None: that run's best, if
            it has one, else its last.

    Attributes:
        checkpoint: Path of the file that was read.
        settings: What it was made with.

    Raises:
        CheckpointError: There is no checkpoint, or none that is sound.
    """

    def __init__(self, checkpoint: str | None) -> None:
        self.checkpoint, _ = open_checkpoint(checkpoint)
        self._classifier, self.settings = read_classifier(self.checkpoint)
        self._data = MNISTDataModule(normalize=self.settings.data.get("normalize", "unit"))

    def probabilities(self, digit: Tensor) -> Tensor:
        """Say what an image shows.

        Args:
            digit: (28, 28) uint8, ink 255 on 0.

        Returns:
            (C,) float, the probability of each class.
        """
        with torch.inference_mode():
            batch = self._data.on_after_batch_transfer((digit[None, None], None), 0)
            return self._classifier.predict_step(batch)["probabilities"][0]


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
    reader, images = Reader(str(checkpoint)), OwnImages(map(Path, paths))
    return predictions_of(images, [reader.probabilities(batch[0, 0]) for batch, _ in images])
