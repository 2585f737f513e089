"""Pictures as Python has them: files, folders, PIL images and arrays."""

import io
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mnist_lightning.data.pictures.listing import list_pictures

Picture = str | PathLike[str] | bytes | Image.Image | NDArray[Any]
ONE = (str, PathLike, bytes, Image.Image)
CHANNELS = (1, 3, 4)
PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def collect_pictures(
    pictures: Picture | Iterable[Picture],
) -> tuple[list[Path], dict[Path, bytes]]:
    """List the files of one or many pictures, and the content of those that are in memory.

    Those have names such as ``<image 0>``, by their place in what was given.
    """
    files: list[Path] = []
    contents: dict[Path, bytes] = {}
    for number, picture in enumerate(_listed(pictures)):
        if isinstance(picture, str | PathLike):
            path = Path(picture)
            files += list_pictures(path) if path.is_dir() else [path]
        else:
            files.append(Path(f"<image {number}>"))
            contents[files[-1]] = picture if isinstance(picture, bytes) else _encode(picture)
    return files, contents


def _listed(pictures: Any) -> list[Any]:
    if isinstance(pictures, ONE):
        return [pictures]
    if hasattr(pictures, "__array__"):  # NumPy's and torch's
        pixels = np.asarray(pictures)
        one = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in CHANNELS)
        return [pixels] if one or pixels.ndim < 2 else list(pixels)
    if not isinstance(pictures, Iterable):
        raise ValueError(
            f"pictures are {pictures!r}: must be files, folders, bytes, images or arrays"
        )
    return list(pictures)


def _encode(picture: Any) -> bytes:
    """PNG of an image, so that all pictures are read in one way."""
    image = picture if isinstance(picture, Image.Image) else _to_image(np.asarray(picture))
    content, upright = io.BytesIO(), ImageOps.exif_transpose(image)
    (upright if upright.mode in PNG_MODES else upright.convert("RGB")).save(content, "PNG")
    return content.getvalue()


def _to_image(pixels: NDArray[Any]) -> Image.Image:
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in CHANNELS)
    if not fits or 0 in pixels.shape:
        raise ValueError(f"an image is of shape {pixels.shape}: must be (H, W) or (H, W, 3)")
    if pixels.dtype == bool or np.issubdtype(pixels.dtype, np.floating):
        if not (pixels.min() >= 0 and pixels.max() <= 1):
            span = f"{pixels.min():g} to {pixels.max():g}"
            raise ValueError(f"an image has numbers from {span}: floats must be in [0, 1]")
        pixels = np.round(pixels * 255.0).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise ValueError(f"an image is {pixels.dtype}: must be uint8, or float in [0, 1]")
    return Image.fromarray(np.ascontiguousarray(pixels))
