"""A data set of pictures that the user took, scanned or drew."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.pictures.framing import IMAGE_SIZE, Digit, frame_digit
from mnist_lightning.data.pictures.image_file import FORMATS, ImageError, read_image
from mnist_lightning.errors import DataError, printable

NO_DIGIT = "no digit"


class PictureDataset(Dataset[tuple[Tensor, int]]):
    """Files with a digit each, read and framed as MNIST's when a sample is asked for.

    A sample is an image, (1, 28, 28) float32, and the index of its file. A file that cannot be read
    or has no digit gives an empty image, so that indices agree. In a loader's worker processes what
    was found would be lost.

    Attributes:
        digits: (28, 28) uint8 of each file; None where there is none, or it was not read yet.
        remarks: ``no digit``, or why a file cannot be read; else "".
    """

    def __init__(self, files: Iterable[Path], scaling: Scaling) -> None:
        self.files = list(files)
        self.scaling = scaling
        self.digits: list[Digit | None] = [None] * len(self.files)
        self.remarks = [""] * len(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        try:
            digit = frame_digit(read_image(self.files[index]))
            remark = NO_DIGIT if digit is None else ""
        except ImageError as error:
            digit, remark = None, str(error)
        self.digits[index], self.remarks[index] = digit, remark
        pixels = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8) if digit is None else digit
        return self.scaling(torch.from_numpy(pixels)[None]), index


def list_pictures(path: Path) -> list[Path]:
    """List a file, or a folder's image files by name; not those in folders of it, nor hidden ones.

    Raises:
        DataError: It is not there, cannot be listed, or the folder has no image.
    """
    try:
        if not path.is_dir():
            path.lstat()
            return [path]
        images = (each for each in path.iterdir() if each.suffix.lower() in FORMATS)
        files = sorted(each for each in images if not each.name.startswith("."))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no possible name"
        raise DataError(f"predict_path is {printable(str(path))}: {reason}") from error
    if not files:
        kinds = ", ".join(sorted(FORMATS))
        raise DataError(f"predict_path is {printable(str(path))}: holds no {kinds}")
    return files
