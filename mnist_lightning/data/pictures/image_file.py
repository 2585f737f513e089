"""Image files, whoever made them: opened, decoded, and brought to grey."""

import io
import os
import stat
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

Array = NDArray[np.float32]

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP"}
MAX_BYTES = 100_000_000
MAX_PIXELS = 64_000_000  # decoded with alpha 256 MB; below Pillow's own limit
MAX_SIDE = 800  # pixels of the longer side that are kept
NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # Windows has none


class ImageError(Exception):
    """A file is no picture that can be read; the text says why in a few words."""


def read_image(path: Path) -> Array:
    """Read a regular file and decode it; raises ImageError, as ``decode_image``."""
    try:
        # a pipe or a device is opened without waiting for its other side
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ImageError("no regular file")
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise ImageError(getattr(error, "strerror", None) or "no possible name") from error
    if len(content) > MAX_BYTES:
        raise ImageError(f"larger than {MAX_BYTES // 10**6} MB")
    return decode_image(content)


def decode_image(content: bytes, max_pixels: int = MAX_PIXELS) -> Array:
    """Decode an image upright and in grey, at most 800 pixels wide and high.

    Images of more than ``max_pixels`` are refused before they are decoded.

    Returns:
        (H, W) float32, [0, 1], 0 black. What is transparent takes the colour of the paper.

    Raises:
        ImageError: It is of another kind, has too many pixels, or is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow only warns of, such as odd EXIF, is well
            return _to_grey(_open_upright(content, max_pixels))
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError("no PNG, JPEG or BMP") from error
    except Exception as error:  # a damaged stream fails in any way
        raise ImageError("damaged") from error


def _open_upright(content: bytes, max_pixels: int) -> Image.Image:
    try:
        image: Image.Image = Image.open(io.BytesIO(content), formats=list(set(FORMATS.values())))
        pixels = image.width * image.height
    except Image.DecompressionBombError:
        pixels = max_pixels + 1
    if pixels > max_pixels:
        raise ImageError(f"more than {max_pixels // 10**6} million pixels")
    image.draft(None, (MAX_SIDE, MAX_SIDE))  # JPEG is decoded at a fraction of its size
    with suppress(Exception):  # without a rotation that can be read it stays as it is
        image = ImageOps.exif_transpose(image)
    return image


def _to_grey(image: Image.Image) -> Array:
    if image.mode.startswith("I"):  # PNG of 16 bits
        image = Image.fromarray(np.asarray(image, np.float32) / 65535)
    else:
        image = image.convert("RGBA" if image.has_transparency_data else "L")
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    if image.mode == "RGBA":
        light, alpha = (np.asarray(image.convert("LA"), np.float32) / 255).transpose(2, 0, 1)
        return np.asarray(light * alpha + _paper(light, alpha) * (1 - alpha), np.float32)
    values = np.asarray(image, np.float32)
    return np.clip(values if image.mode == "F" else values / np.float32(255), 0, 1)


def _paper(light: Array, alpha: Array) -> float:
    """Brightness behind: the picture's own paper where it has one, else what its ink contrasts."""
    if alpha.mean() > 0.5:
        return float(np.median(light[alpha > 0.5]))
    return float((light * alpha).sum() < 0.5 * alpha.sum() or not alpha.any())
