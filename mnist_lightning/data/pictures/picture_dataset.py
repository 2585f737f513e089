"""Pictures that the user took, scanned or drew, as a data set."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.pictures.decoding import (
    ImageError,
    count_pages,
    decode_image,
    read_image,
)
from mnist_lightning.data.pictures.framing import IMAGE_SIZE, Digit, frame
from mnist_lightning.data.pictures.ink import Ink, find_ink
from mnist_lightning.data.pictures.paper import Array
from mnist_lightning.data.pictures.pieces import main_piece

NO_DIGIT = "no digit"


class PictureDataset(Dataset[tuple[Tensor, int]]):
    """Files with a digit each, read and framed as MNIST's when a sample is asked for.

    A sample is an image, (1, 28, 28) float32, and the index of its picture. A file that cannot be
    read or has no digit gives an empty image, so that indices agree, and ``remarks`` says why. In a
    loader's worker processes what was found would be lost. Each page of a TIFF with several is a
    picture of its own, named ``scan.tiff page 2``.

    Args:
        files: To read.
        scaling: Of the pixels.
        contents: Of those files that are in memory.
        labels: Name of each file's class, "" where it is not known.
    """

    def __init__(
        self,
        files: Iterable[Path],
        scaling: Scaling,
        contents: Mapping[Path, bytes] | None = None,
        labels: Sequence[str] = (),
    ) -> None:
        self.contents = contents or {}
        self.scaling = scaling
        self.files: list[Path] = []  # as they are shown
        self.labels: list[str] = []
        self._pages: list[tuple[Path, int]] = []
        for number, file in enumerate(files):
            pages = count_pages(self.contents.get(file, file))
            self.files += [file] if pages == 1 else [_name(file, page) for page in range(pages)]
            self.labels += [labels[number] if labels else ""] * pages
            self._pages += [(file, page) for page in range(pages)]
        self.digits: list[Digit | None] = [None] * len(self.files)  # of those that were read
        self.remarks = [""] * len(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        ink = self.find(index)
        digit = self.digits[index] = frame(ink, main_piece(ink)) if ink else None
        pixels = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8) if digit is None else digit
        return self.scaling(torch.from_numpy(pixels)[None]), index

    def find(self, index: int) -> Ink | None:
        """Read a picture and find its ink, or None with a remark that says why."""
        try:
            ink = find_ink(self.read(index))
            self.remarks[index] = "" if ink else NO_DIGIT
        except ImageError as error:
            ink, self.remarks[index] = None, str(error)
        return ink

    def read(self, index: int) -> Array:
        """Picture in grey, (H, W) float32, [0, 1], or raise ImageError."""
        file, page = self._pages[index]
        held = self.contents.get(file)
        return read_image(file, page) if held is None else decode_image(held, page=page)


def _name(file: Path, page: int) -> Path:
    return file.with_name(f"{file.name} page {page + 1}")
