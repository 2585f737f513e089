"""Where operations of our own may take the place of torch's."""

import torch
from torch import Tensor


def trains_eagerly(inputs: Tensor) -> bool:
    """Whether a plain float32 gradient is wanted of inputs on a CPU, at least one of them."""
    return (
        torch.is_grad_enabled()
        # these look into what they are given, and choose operations themselves
        and not torch.compiler.is_compiling()
        and not torch._C._get_tracing_state()
        and not torch._C._are_functorch_transforms_active()
        and not torch.is_autocast_enabled("cpu")
        and inputs.device.type == "cpu"
        and inputs.dtype == torch.float32
        and len(inputs) > 0
    )
