"""IDX files of unsigned bytes, the format of MNIST: http://yann.lecun.com/exdb/mnist."""

import hashlib
from collections.abc import Sequence
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from mnist_lightning.errors import DataError
from mnist_lightning.files import atomic_write


def read_idx(path: Path, shape: tuple[int, ...], sha256: str | None = None) -> Tensor:
    """Read a uint8 array of this shape, from the file of this SHA-256, or raise DataError."""
    header, content = _header(shape), bytearray()
    length = len(header) + prod(shape)
    try:
        if path.stat().st_size == length:  # that of a pipe or a device is 0
            content += path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    if len(content) != length or not content.startswith(header):
        sizes = "x".join(map(str, shape))
        raise DataError(f"{path} is damaged: it is no IDX file of {sizes} bytes")
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{path} is damaged: its SHA-256 is not the official file's")
    return torch.frombuffer(content, dtype=torch.uint8)[len(header) :].view(shape)


def write_idx(path: Path, array: Tensor) -> None:
    """Write an array of integers, [0, 255], as an IDX file of unsigned bytes."""
    with atomic_write(path) as draft:
        draft.write_bytes(_header(array.shape) + array.to(torch.uint8).numpy().tobytes())


def is_sound(path: Path) -> bool:
    """Tell whether a file has an IDX header of unsigned bytes, and the length it asks for."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        magic = file.read(4)
        shape = [int.from_bytes(file.read(4), "big") for _ in range(sum(magic[3:]))]
    length = len(_header(shape)) + prod(shape)
    return magic == _header(shape)[:4] and path.stat().st_size == length


def _header(shape: Sequence[int]) -> bytes:
    ubyte = 8  # code of the element type
    return bytes([0, 0, ubyte, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
