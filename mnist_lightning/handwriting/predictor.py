"""Inference with a checkpoint, in Python."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor

from mnist_lightning.checkpoints.runs import open_checkpoint
from mnist_lightning.data.pictures.picture_dataset import PictureDataset
from mnist_lightning.handwriting.prediction import Prediction, to_predictions


class Predictor:
    """A trained classifier on the CPU, and the scaling of its images; of ``open_checkpoint``."""

    def __init__(self, checkpoint: str | None) -> None:
        self.checkpoint = open_checkpoint(checkpoint)
        self.scaling = self.checkpoint.data_module().scaling
        self._classifier = self.checkpoint.classifier()

    @torch.inference_mode()
    def predict(self, images: Tensor) -> Tensor:
        """Probabilities of the classes, (B, C) float, for scaled images, (B, 1, 28, 28) float32."""
        return self._classifier.predict_step(images)["probabilities"]


def predict_images(
    paths: Iterable[str | PathLike[str]], checkpoint: str | PathLike[str]
) -> list[Prediction]:
    """Predict the digits in pictures of any size, as ``predict --data.predict_path`` does.

    Args:
        paths: Files in PNG, JPEG or BMP, one digit in each, dark on light or light on dark.
        checkpoint: A path, or ``last`` or ``best`` of the newest run.

    Returns:
        One for each path, in their order, with a remark where there is no digit.

    Raises:
        CheckpointError: The checkpoint is missing, damaged or of another network.
    """
    predictor = Predictor(str(checkpoint))
    pictures = PictureDataset(map(Path, paths), predictor.scaling)
    images = (pictures[i][0] for i in range(len(pictures)))
    return to_predictions(pictures, [predictor.predict(image[None])[0] for image in images])
