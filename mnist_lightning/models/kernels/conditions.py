"""When CPU kernels may take the place of torch's operations."""

import torch
from torch import Tensor, nn
from torch.autograd.forward_ad import unpack_dual


def available(images: Tensor) -> bool:
    """True if CPU kernels may run: ordinary tensors, no compile, trace, vmap or dispatch mode.

    Whatever looks into a computation (torch.compile, tracing, vmap, a counter of operations) knows
    torch's own operations and none of ours; so does every other device and type of number.
    """
    return (
        not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
        and ordinary(images)
        and images.numel() > 0
    )


def ordinary(*tensors: Tensor | None) -> bool:
    """True if the tensors are float32 numbers in a CPU's memory, and nothing else is computed.

    Else is a dispatch mode that watches, autocast to another type, or a forward-mode derivative.
    torch has no public way to count dispatch modes. The name was read in torch 2.14, and
    tests/models/kernels/test_conditions.py fails where it goes or means something else.
    """
    try:
        watched = torch._C._len_torch_dispatch_stack() > 0
    except AttributeError:
        watched = True
    return (
        not watched
        and not torch.is_autocast_enabled("cpu")
        and all(tensor is None or _is_plain(tensor) for tensor in tensors)
    )


def _is_plain(tensor: Tensor) -> bool:
    """True for a tensor of no subclass that is not wrapped, as vmap and torch.func wrap theirs."""
    if (
        type(tensor) not in (Tensor, nn.Parameter)
        or tensor.dtype != torch.float32
        or tensor.device.type != "cpu"
        or unpack_dual(tensor).tangent is not None  # type: ignore[no-untyped-call]
    ):
        return False
    try:
        tensor.data_ptr()
    except RuntimeError:  # a wrapper has no memory of its own
        return False
    return True
