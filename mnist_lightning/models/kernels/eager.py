"""Where operations of our own may take the place of torch's."""

import torch
from torch import Tensor, nn


def plain(*tensors: Tensor) -> bool:
    """Whether the tensors are numbers in memory, and nothing looks into what is done to them.

    What looks, such as torch.compile, vmap or a counter of operations, knows torch's own, and
    chooses among them itself.
    """
    return (
        not torch.compiler.is_compiling()
        and not torch._C._get_tracing_state()
        and not torch._C._len_torch_dispatch_stack()
        and not torch._C._are_functorch_transforms_active()
        and all(type(tensor) in (Tensor, nn.Parameter) for tensor in tensors)
        and not any(map(torch._C._functorch.is_legacy_batchedtensor, tensors))
    )


def plain_float32(inputs: Tensor) -> bool:
    """Whether the inputs are plain, float32 on a CPU, without autocast, and at least one."""
    return (
        plain(inputs)
        and not torch.is_autocast_enabled("cpu")
        and inputs.device.type == "cpu"
        and inputs.dtype == torch.float32
        and len(inputs) > 0
    )
