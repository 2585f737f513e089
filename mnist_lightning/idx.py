"""IDX files, the format of MNIST: http://yann.lecun.com/exdb/mnist."""

from math import prod
from pathlib import Path

import torch
from torch import Tensor

UBYTE = 8  # the code of the element type


class DataError(Exception):
    """The digits cannot be had, or are not what they should be; the text is one line."""


def read_idx(path: Path, shape: tuple[int, ...]) -> bytearray:
    """Read the elements of an IDX file of unsigned bytes, if it is of the expected shape exactly.

    Args:
        path: The unpacked file.
        shape: Of the array that it must hold.

    Returns:
        Header and elements.

    Raises:
        DataError: The file is missing, or its header or length is another.
    """
    header = bytes([0, 0, UBYTE, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
    try:
        with path.open("rb") as file:
            content = bytearray(file.read(len(header) + prod(shape) + 1))  # however long it is
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    if len(content) != len(header) + prod(shape) or not content.startswith(header):
        raise DataError(
            f"{path} is damaged: it is no IDX file of {'x'.join(map(str, shape))} bytes"
        )
    return content


def to_tensor(content: bytearray, shape: tuple[int, ...]) -> Tensor:
    """The elements of a file that was read, as a tensor of a shape, uint8."""
    return torch.frombuffer(content, dtype=torch.uint8)[-prod(shape) :].view(shape)
