"""The gradients of a 3x3 convolution, without the zeros in the gradient of its output."""

import ctypes
import warnings
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

KERNEL_SIZE = 3
IN_MULTIPLE = 32  # of the channels: sparse_gradient.c sums that many columns of a kernel at once,
OUT_MULTIPLE = 8  # and looks at that many numbers of a gradient
INTERFACE = 1  # of the compiled file
ROWS = 8  # of an image at once; 1 was slower, 22, which is all of them, no faster


class _Shape(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int) for name in ("images", "height", "width", "inputs", "outputs", "rows")
    ]


@cache
def compiled() -> ctypes.CDLL | None:
    """Load sparse_gradient.c, where a compiler was found on installing, for processors with AVX2.

    Its threads are torch's own where both name the same OpenMP library, as wheels for Linux do.
    """
    found = find_spec("mnist_lightning.models.kernels._sparse_gradient")
    if found is None or not torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        return None
    try:
        library = ctypes.CDLL(str(found.origin))
        interface = ctypes.c_int.in_dll(library, "sparse_gradient_interface").value
        if interface != INTERFACE:
            raise ValueError(f"it is of version {interface}, not {INTERFACE}")
    except (OSError, ValueError) as error:
        message = f"training is slower without sparse_gradient ({error}): install again"
        warnings.warn(message, stacklevel=2)
        return None
    library.gradients.argtypes = (*[ctypes.c_void_p] * 7, _Shape, ctypes.c_int)
    library.gradients.restype = None
    return library


def fits(inputs: Tensor, weight: Tensor) -> bool:
    """True if the compiled kernel is there and made for these shapes."""
    outputs, channels, *kernel = weight.shape
    multiple = not channels % IN_MULTIPLE and not outputs % OUT_MULTIPLE
    square = kernel == [KERNEL_SIZE] * 2
    return inputs.dim() == 4 and square and multiple and compiled() is not None


def convolution_gradients(
    inputs: Tensor, weight: Tensor, gradient: Tensor, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """Compute the gradients of a convolution's inputs and weight, which must fit.

    Args:
        inputs: (N, C, H + 2, W + 2) float32, C a multiple of 32.
        weight: (O, C, 3, 3) float32, O a multiple of 8.
        gradient: (N, O, H, W) float32, of the output. What is zero costs next to nothing and adds
            nothing, not even NaN where it would meet an infinite input or weight.
        wanted: Whether to compute the first and the second result, None otherwise.

    Returns:
        The gradients of inputs and weight, channels last.
    """
    library = compiled()
    assert library is not None
    assert fits(inputs, weight)
    outputs, channels, *kernel = weight.shape
    last = torch.channels_last
    inputs, gradient = (each.contiguous(memory_format=last) for each in (inputs, gradient))
    n, _, h, w = gradient.shape
    shares = max(1, min(n, torch.get_num_threads()))
    of_inputs = torch.empty_like(inputs) if wanted[0] else None
    sums = weight.new_empty(shares, outputs, *kernel, channels) if wanted[1] else None
    entries = inputs.new_empty(shares, h + ROWS, w, outputs, dtype=torch.int64)
    counts = inputs.new_empty(shares, h * w + 1 + outputs, dtype=torch.int32)
    # weights from (O, C, 3, 3) to (3, C / 32, O, 96), the pixels of a row side by side
    rows = weight.permute(2, 0, 3, 1).reshape(KERNEL_SIZE, outputs, -1, 3 * IN_MULTIPLE)
    blocks = rows.transpose(1, 2).contiguous()
    tensors = (inputs, blocks, gradient, of_inputs, sums, entries, counts)
    shape = _Shape(n, h, w, channels, outputs, ROWS)
    library.gradients(*(t if t is None else t.data_ptr() for t in tensors), shape, shares)
    return of_inputs, None if sums is None else sums.sum(0).permute(0, 3, 1, 2)
