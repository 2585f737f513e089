"""IDX files, the format of MNIST: http://yann.lecun.com/exdb/mnist."""

import hashlib
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from mnist_lightning.errors import DataError

UBYTE = 8  # the code of the element type


def read_idx(path: Path, shape: tuple[int, ...], sha256: str | None = None) -> Tensor:
    """Read an IDX file of unsigned bytes that must be of the expected shape exactly.

    Args:
        path: The unpacked file.
        shape: Of the array that it must hold.
        sha256: Of the whole file, where its content is known.

    Returns:
        The array, uint8.

    Raises:
        DataError: The file is missing, or its header, length or content is another.
    """
    header = bytes([0, 0, UBYTE, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    length = len(header) + prod(shape)
    if path.exists() and not path.is_file():
        raise DataError(f"{path} is damaged: it is no regular file")
    try:
        with path.open("rb") as file:
            content = bytearray(file.read(length + 1))  # however long it is
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    if len(content) != length or not content.startswith(header):
        sizes = "x".join(map(str, shape))
        raise DataError(f"{path} is damaged: it is no IDX file of {sizes} bytes")
    if sha256 and hashlib.sha256(content).hexdigest() != sha256:
        raise DataError(f"{path} is damaged: remove it, and the next fit fetches it again")
    return torch.frombuffer(content, dtype=torch.uint8)[len(header) :].view(shape)
