"""When CPU kernels may take the place of torch's operations."""

import torch
from torch import Tensor, nn


def available(images: Tensor) -> bool:
    """True if CPU kernels may run: ordinary tensors, no compile, trace, vmap or dispatch mode.

    Whatever looks into a computation (torch.compile, tracing, vmap, a counter of operations) knows
    torch's own operations and none of ours; so does every other device and type of number.

    Args:
        images: What the network is given.
    """
    return (
        not torch.compiler.is_compiling()
        and not torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
        and images.device.type == "cpu"
        and images.dtype == torch.float32
        and images.numel() > 0
        and not torch.is_autocast_enabled("cpu")
        and ordinary(images)
    )


def ordinary(*tensors: Tensor | None) -> bool:
    """True if the tensors are numbers in memory, and no dispatch mode watches what is computed."""
    return not _dispatch_modes() and all(map(_has_memory, tensors))


def _has_memory(tensor: Tensor | None) -> bool:
    """True for a tensor of no subclass that is not wrapped, as vmap and torch.func wrap theirs."""
    if tensor is None:
        return True
    if type(tensor) not in (Tensor, nn.Parameter):
        return False
    try:
        tensor.data_ptr()
    except RuntimeError:  # a wrapper has no memory of its own
        return False
    return True


def _dispatch_modes() -> int:
    """Number of dispatch modes that are active, such as a counter of operations.

    torch has no public way to ask. Read in torch 2.14; tests/models/kernels/test_conditions.py
    fails where the name goes or means something else; without it one is taken to be active.
    """
    count = getattr(torch._C, "_len_torch_dispatch_stack", None)
    return int(count()) if count else 1
