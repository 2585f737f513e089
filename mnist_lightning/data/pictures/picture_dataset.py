"""Pictures that the user took, scanned or drew: files, read with care, as a data set."""

import io
import os
import stat
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import Dataset

from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.pictures.framing import IMAGE_SIZE, Array, Digit, frame_digit
from mnist_lightning.errors import DataError, printable

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP"}
MAX_BYTES = 100_000_000
MAX_PIXELS = 64_000_000  # decoded with alpha 256 MB; below Pillow's own limit
MAX_SIDE = 800  # pixels of the longer side that are kept
NO_DIGIT = "no digit"
NO_NAME = "no possible name"
NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # Windows has none


class ImageError(Exception):
    """A file is no picture that can be read; the text says why in a few words."""


class PictureDataset(Dataset[tuple[Tensor, int]]):
    """Files with a digit each, read and framed as MNIST's when a sample is asked for.

    A sample is an image, (1, 28, 28) float32, and the index of its file. A file that cannot be read
    or has no digit gives an empty image, so that indices agree, and ``remarks`` says why. In a
    loader's worker processes what was found would be lost.
    """

    def __init__(
        self, files: Iterable[Path], scaling: Scaling, contents: Mapping[Path, bytes] | None = None
    ) -> None:
        self.files = list(files)
        self.contents = contents or {}  # of those that are in memory
        self.scaling = scaling
        self.digits: list[Digit | None] = [None] * len(self.files)  # of those that were read
        self.remarks = [""] * len(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        try:
            file = self.files[index]
            held = self.contents.get(file)
            digit = frame_digit(read_image(file) if held is None else decode_image(held))
            remark = NO_DIGIT if digit is None else ""
        except ImageError as error:
            digit, remark = None, str(error)
        self.digits[index], self.remarks[index] = digit, remark
        pixels = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.uint8) if digit is None else digit
        return self.scaling(torch.from_numpy(pixels)[None]), index


def list_pictures(path: Path) -> list[Path]:
    """List a file or a folder's image files by name; neither hidden ones nor subfolders'."""
    try:
        if not path.is_dir():
            path.lstat()
            return [path]
        images = (each for each in path.iterdir() if each.suffix.lower() in FORMATS)
        if files := sorted(each for each in images if not each.name.startswith(".")):
            return files
        reason = f"holds no {', '.join(sorted(FORMATS))}"
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or NO_NAME
    raise DataError(f"predict_path is {printable(str(path))}: {reason}")


def read_image(path: Path) -> Array:
    """Read a regular file and decode it; raises ImageError, as ``decode_image``."""
    try:
        # a pipe or a device is opened without waiting for its other side
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ImageError("no regular file")
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ImageError(getattr(error, "strerror", None) or NO_NAME) from error
    if len(content) > MAX_BYTES:
        raise ImageError(f"larger than {MAX_BYTES // 10**6} MB")
    return decode_image(content)


def decode_image(content: bytes, max_pixels: int = MAX_PIXELS) -> Array:
    """Decode an image upright and in grey, (H, W) float32, [0, 1], 0 black; at most 800 a side."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow only warns of, such as odd EXIF, is well
            image: Image.Image = Image.open(io.BytesIO(content), formats=list(FORMATS.values()))
            if image.width * image.height > max_pixels:  # before it is decoded
                raise Image.DecompressionBombError
            image.draft(None, (MAX_SIDE, MAX_SIDE))  # JPEG is decoded at a fraction of its size
            with suppress(Exception):  # without a rotation that can be read it stays as it is
                image = ImageOps.exif_transpose(image)
            return _to_grey(image)
    except Image.DecompressionBombError as error:
        raise ImageError(f"more than {max_pixels // 10**6} million pixels") from error
    except UnidentifiedImageError as error:
        raise ImageError("no PNG, JPEG or BMP") from error
    except Exception as error:  # a damaged stream fails in any way
        raise ImageError("damaged") from error


def _to_grey(image: Image.Image) -> Array:
    if image.mode.startswith("I"):  # PNG of 16 bits
        image = Image.fromarray(np.asarray(image, np.float32) / 65535)
    else:
        image = image.convert("RGBA" if image.has_transparency_data else "L")
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    if image.mode == "RGBA":
        light, alpha = (np.asarray(image.convert("LA"), np.float32) / 255).transpose(2, 0, 1)
        # behind lies the picture's own paper where it has one, else what its ink contrasts with
        paper = float((light * alpha).sum() < 0.5 * alpha.sum() or not alpha.any())
        if alpha.mean() > 0.5:
            paper = float(np.median(light[alpha > 0.5]))
        return np.asarray(light * alpha + paper * (1 - alpha), np.float32)
    values = np.asarray(image, np.float32)
    return np.clip(values if image.mode == "F" else values / np.float32(255), 0, 1)
