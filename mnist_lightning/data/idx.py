"""IDX files, plain or packed with gzip, the format of MNIST: http://yann.lecun.com/exdb/mnist."""

import gzip
import hashlib
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mnist_lightning.errors import DataError
from mnist_lightning.files import atomic_write

BYTES, INTS = "u1", ">i4"  # element types: unsigned bytes, and integers of four bytes
CODES = {BYTES: 8, INTS: 12}
PACKED = ".gz"
CHUNK = 2**20  # bytes


def read_idx(
    path: Path, shape: tuple[int, ...], sha256: str | None = None, kind: str = BYTES
) -> Tensor:
    """Read an array of this shape, uint8 or int32, or raise DataError.

    Args:
        path: The file; one whose name ends with .gz is unpacked in memory.
        shape: Of the array, which the file must hold.
        sha256: Of the file's unpacked content; None for any.
        kind: ``BYTES`` or ``INTS``, as the file has them.
    """
    header = _header(shape, kind)
    length = len(header) + prod(shape) * np.dtype(kind).itemsize
    content = bytearray()
    try:
        size = path.stat().st_size  # that of a pipe or a device is 0
        if size and (size == length or path.suffix == PACKED):
            content = bytearray(length + 1)
            with _open(path) as file:
                del content[file.readinto(content) :]
    except (EOFError, zlib.error, gzip.BadGzipFile):
        content.clear()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    if len(content) != length or not content.startswith(header):
        sizes = "x".join(map(str, shape))
        elements = "bytes" if kind == BYTES else "integers"
        raise DataError(f"{path} is damaged: it is no IDX file of {sizes} {elements}")
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{path} is damaged: its SHA-256 is not the official file's")
    array = np.frombuffer(content, kind, offset=len(header)).reshape(shape)
    return torch.from_numpy(array.astype(np.dtype(kind).newbyteorder("="), copy=False))


def write_idx(path: Path, array: Tensor) -> None:
    """Write an array of integers, [0, 255], as an IDX file of unsigned bytes."""
    with atomic_write(path) as draft:
        draft.write_bytes(_header(array.shape, BYTES) + array.to(torch.uint8).numpy().tobytes())


def sound_shape(path: Path) -> tuple[int, ...]:
    """The shape that a file's IDX header gives, () if the file is not as long as it asks for.

    The elements are unsigned bytes or integers of four bytes.
    """
    try:
        if not path.is_file():
            return ()
        with _open(path) as file:
            magic = file.read(4)
            kind = next((kind for kind, code in CODES.items() if magic[2:3] == bytes([code])), None)
            shape = tuple(int.from_bytes(file.read(4), "big") for _ in range(sum(magic[3:])))
            if kind is None or magic != _header(shape, kind)[:4]:
                return ()
            left = prod(shape) * np.dtype(kind).itemsize
            while left >= 0 and (chunk := file.read(CHUNK)):
                left -= len(chunk)
            return () if left else shape
    except (OSError, EOFError, zlib.error):
        return ()


def _open(path: Path) -> Any:
    return gzip.open(path) if path.suffix == PACKED else path.open("rb")


def _header(shape: Sequence[int], kind: str) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in shape)
    return bytes([0, 0, CODES[kind], len(shape)]) + sizes
