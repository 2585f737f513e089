"""The gradients of a 3x3 convolution, without the zeros in the gradient of its output."""

import ctypes
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

KERNEL_SIZE = 3
MULTIPLE = 8  # of the channels: the float32 numbers in an AVX register


class _Shape(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("n", "h", "w", "inputs", "outputs")]


@cache
def compiled() -> ctypes.CDLL | None:
    """Load sparse_gradient.c, where a compiler was found on installing, for processors with AVX2.

    Its threads are torch's own: it names the OpenMP library that torch has loaded.
    """
    found = find_spec("mnist_lightning._sparse_gradient")
    if found is None or not torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        return None
    library = ctypes.CDLL(str(found.origin))
    library.scratch_size.argtypes = (_Shape,)
    library.scratch_size.restype = ctypes.c_size_t
    library.gradients.argtypes = (*[ctypes.c_void_p] * 6, _Shape, ctypes.c_int)
    library.gradients.restype = None
    return library


def convolution_gradients(
    inputs: Tensor, weight: Tensor, gradient: Tensor, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Compute the gradients of a convolution's inputs and weight; needs `compiled`.

    Args:
        inputs: (N, C, H + 2, W + 2) float32.
        weight: (O, C, 3, 3) float32; C and O are multiples of 8.
        gradient: (N, O, H, W) float32, of the output; what is zero costs next to nothing.
        wanted: Whether to compute the first and the second result, None otherwise.

    Returns:
        The gradients of inputs and weight, channels last.
    """
    library = compiled()
    assert library is not None
    n, outputs, h, w = gradient.shape
    shape = _Shape(n, h, w, inputs.shape[1], outputs)
    shares = torch.get_num_threads()
    last = torch.channels_last
    inputs, gradient = (
        inputs.contiguous(memory_format=last),
        gradient.contiguous(memory_format=last),
    )
    blocks = _in_blocks(weight, 8 * library.block_size(weight.shape[1]))
    of_inputs = torch.empty_like(inputs) if wanted[0] else None
    sums = weight.new_empty(shares, *weight.permute(0, 2, 3, 1).shape) if wanted[1] else None
    scratch = torch.empty(shares * library.scratch_size(shape), dtype=torch.uint8)
    tensors = (inputs, blocks, gradient, of_inputs, sums, scratch)
    library.gradients(
        *(each if each is None else each.data_ptr() for each in tensors), shape, shares
    )
    return of_inputs, None if sums is None else sums.sum(0).permute(0, 3, 1, 2)


def _in_blocks(weight: Tensor, block: int) -> Tensor:
    """From (O, C, 3, 3) to (3, 3 C / block, O, block), the pixels of a row side by side."""
    rows = weight.permute(2, 0, 3, 1).reshape(KERNEL_SIZE, len(weight), -1, block)
    return rows.transpose(1, 2).contiguous()
