"""Decoding: a picture's file or content, brought upright and to grey."""

import io
import os
import stat
import warnings
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import numpy as np

# Those that Pillow does not load with the package; it would load all plugins to find one
from PIL import (
    GifImagePlugin,  # noqa: F401
    Image,
    ImageOps,
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from mnist_lightning.data.pictures.grey import to_grey
from mnist_lightning.data.pictures.paper import Array

FORMATS = ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"]  # which Pillow may try
# ISO/IEC 23008-12 (HEIF), the brands of still images and collections coded by HEVC
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
HEIF_PACKAGE = "pillow_heif"
OTHER_KIND = "no PNG, JPEG, BMP, GIF, WebP, TIFF or HEIC"
NO_HEIF = 'HEIC: needs pip install "mnist-lightning[heic]"'
PDF = "a PDF: save its page as a picture"
FOLDER = "a folder: --data.recursive true reads it"
LINK = "a link to a folder: not followed"
MAX_BYTES = 100_000_000
MAX_PIXELS = 64_000_000  # decoded with alpha 256 MB; below Pillow's own limit
MAX_PAGES = 100  # of a TIFF
MAX_SIDE = 800  # pixels of the longer side that are kept
LEVELS = (1, 255, 4095, 65535)  # white in pictures of more than 8 bits: scanners fill 12 of 16
NO_NAME = "no possible name"
NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # Windows has none


class ImageError(Exception):
    """A file is no picture that can be read; the text says why in a few words."""


def read_image(path: Path, page: int = 0) -> Array:
    """Read a regular file and decode it; raises ImageError, as ``decode_image``."""
    try:
        # a pipe or a device is opened without waiting for its other side
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | NONBLOCK)) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ImageError("no regular file")
            if status.st_size > MAX_BYTES:
                raise ImageError(f"larger than {MAX_BYTES // 10**6} MB")
            return _decode(file, MAX_PIXELS, page)
    except IsADirectoryError as error:
        raise ImageError(LINK if path.is_symlink() else FOLDER) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise ImageError(getattr(error, "strerror", None) or NO_NAME) from error


def decode_image(content: bytes, max_pixels: int = MAX_PIXELS, page: int = 0) -> Array:
    """Decode an image upright and in grey, (H, W) float32, [0, 1], 0 black; at most 800 a side.

    Of an animation the first picture, of a TIFF the page that is asked for.
    """
    return _decode(io.BytesIO(content), max_pixels, page)


def count_pages(source: Path | bytes) -> int:
    """Count the pages of a TIFF, up to one more than are read; 1 of what is none."""
    if isinstance(source, Path) and source.suffix.lower() not in (".tif", ".tiff"):
        return 1
    pages = 1
    # why a file cannot be read is said when it is; the last page has no next one
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        if isinstance(file, Path) and not file.is_file():
            return 1
        with Image.open(file, formats=["TIFF"]) as image:
            while pages <= MAX_PAGES:
                image.seek(pages)
                pages += 1
    return pages


def _decode(file: BinaryIO, max_pixels: int, page: int) -> Array:
    if page >= MAX_PAGES:
        raise ImageError(f"only {MAX_PAGES} pages of a file are read")
    head = file.read(16)
    file.seek(0)
    heif = head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS
    if heif and not find_spec(HEIF_PACKAGE):
        raise ImageError(NO_HEIF)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow only warns of, such as odd EXIF, is well
            opened = _open_heif if heif else _open
            return to_grey(_reduce(opened(file, max_pixels, page)))
    except Image.DecompressionBombError as error:
        raise ImageError(f"more than {max_pixels // 10**6} million pixels") from error
    except UnidentifiedImageError as error:
        raise ImageError(PDF if head.startswith(b"%PDF") else OTHER_KIND) from error
    except Exception as error:  # a damaged stream fails in any way
        raise ImageError("damaged") from error


def _open(file: BinaryIO, max_pixels: int, page: int) -> Image.Image:
    image = Image.open(file, formats=FORMATS)
    if page:
        image.seek(page)
    _check_size(image.size, max_pixels)
    return image


def _open_heif(file: BinaryIO, max_pixels: int, page: int) -> Image.Image:
    """Open a HEIC, of which the library turns the picture, and has no later pages."""
    from pillow_heif import open_heif

    found = open_heif(file)
    _check_size(found.size, max_pixels)
    return found.to_pillow()


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    """Refuse what is too large before it is decoded."""
    if size[0] * size[1] > max_pixels:
        raise Image.DecompressionBombError


def _reduce(image: Image.Image) -> Image.Image:
    """Reduce to at most 800 a side, upright, in mode L, F, RGB or RGBA."""
    if image.mode[0] in "IF":
        image = _from_more_bits(image)
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode in ("P", "PA") or "transparency" in image.info:
        # indices into a palette have no means
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    elif image.mode == "LAB":  # its lightness
        image = image.getchannel(0)
    image.thumbnail((MAX_SIDE, MAX_SIDE))  # JPEG is decoded at a fraction of its size
    with suppress(Exception):  # without a rotation that can be read it stays as it is
        image = ImageOps.exif_transpose(image)
    if image.mode in ("L", "F", "RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _from_more_bits(image: Image.Image) -> Image.Image:
    """Mode F, [0, 1], of a picture of more than 8 bits, reduced by a whole number."""
    values = np.asarray(image)
    step = max(1, max(values.shape) // (2 * MAX_SIDE))
    height, width = (size // step for size in values.shape)
    blocks = values[: height * step, : width * step].reshape(height, step, width, step)
    means = np.nan_to_num(blocks.mean((1, 3), dtype=np.float32))
    white = next((level for level in LEVELS if means.max() <= level), means.max())
    reduced = Image.fromarray(means / np.float32(white))
    reduced.info = image.info  # the rotation
    return reduced
