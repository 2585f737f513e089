"""Predictions in Python."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import torch

from mnist_lightning.checkpoints import open_checkpoint, read_classifier
from mnist_lightning.data import MNISTDataModule
from mnist_lightning.own_images import OwnImages
from mnist_lightning.prediction import Prediction


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
    found, _ = open_checkpoint(str(checkpoint))
    classifier, settings = read_classifier(found)
    data = MNISTDataModule(normalize=settings.data.get("normalize", "unit"))
    images = OwnImages(map(Path, paths))
    with torch.inference_mode():
        outputs = [
            classifier.predict_step(data.on_after_batch_transfer(batch, 0)) for batch in images
        ]
    return images.predictions(output["probabilities"][0] for output in outputs)
