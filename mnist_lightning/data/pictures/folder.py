"""Images of the user's own, read one after another."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.pictures.framing import IMAGE_SIZE, Digit, to_mnist
from mnist_lightning.data.pictures.image_file import ImageError, read_image
from mnist_lightning.errors import DataError, printable

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}
NO_DIGIT = "no digit"


class OwnImages:
    """Bring files to MNIST's form while they are iterated, each a batch of its own.

    A batch is an image, (1, 1, 28, 28) float32, and a label, (1,) int64, which is always 0. A file
    that cannot be read, or holds no digit, gives an empty image, so that the places agree.

    Args:
        files: The files, in the order of the batches.
        scaling: Of the pixels, as the network takes them.

    Attributes:
        files: As given.
        digits: What was read last: (28, 28) uint8 of each file, or None.
        remarks: And why there is none, or "".
    """

    def __init__(self, files: Iterable[Path], scaling: Scaling) -> None:
        self.files = list(files)
        self.scaling = scaling
        self.digits: list[Digit | None] = []
        self.remarks: list[str] = []

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        self.digits, self.remarks = [], []
        for file in self.files:
            digit, remark = _read(file)
            self.digits.append(digit)
            self.remarks.append(remark)
            empty = torch.zeros(IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
            image = empty if digit is None else torch.from_numpy(digit)
            yield self.scaling(image[None, None]), torch.zeros(1, dtype=torch.int64)

    def unread(self) -> bool:
        """Tell whether not one of the files could be read."""
        return all(remark not in ("", NO_DIGIT) for remark in self.remarks)


def list_images(path: Path) -> list[Path]:
    """List a file, or the images of a folder by name; folders in it and hidden files are left out.

    Raises:
        DataError: It is not there, cannot be listed, or the folder has no image.
    """
    name = f"predict_path is {printable(str(path))}"
    try:
        if not path.is_dir():
            path.lstat()
            return [path]
        found = sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no possible name"
        raise DataError(f"{name}: {reason}") from error
    files = [each for each in found if not each.name.startswith(".")]
    if not files:
        raise DataError(f"{name}: holds no {', '.join(sorted(SUFFIXES))}")
    return files


def _read(file: Path) -> tuple[Digit | None, str]:
    try:
        digit = to_mnist(read_image(file))
    except ImageError as error:
        return None, str(error)
    return digit, NO_DIGIT if digit is None else ""
