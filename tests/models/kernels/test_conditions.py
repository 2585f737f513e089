"""When CPU kernels may run."""

from contextlib import nullcontext

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mnist_lightning.models.kernels import conditions

IMAGES = torch.ones(2, 1, 28, 28)


def test_the_private_name_of_torch_is_there_and_counts_dispatch_modes() -> None:
    count = torch._C._len_torch_dispatch_stack
    for modes in (0, 1, 2):
        outer = FlopCounterMode(display=False) if modes else nullcontext()
        with outer, FlopCounterMode(display=False) if modes > 1 else nullcontext():
            assert count() == modes


def test_without_the_private_name_all_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    assert conditions.available(IMAGES)
    monkeypatch.delattr(torch._C, "_len_torch_dispatch_stack")
    assert not conditions.available(IMAGES)
