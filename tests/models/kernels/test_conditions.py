"""When CPU kernels may run."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import grad, vmap
from torch.utils.flop_counter import FlopCounterMode

from mnist_lightning.models.kernels import conditions
from mnist_lightning.models.kernels.conditions import available, ordinary

IMAGES = torch.ones(2, 1, 28, 28)


class Subclass(Tensor):
    """Of a library that keeps more with its numbers, say."""


def test_ordinary_numbers() -> None:
    assert available(IMAGES)
    assert ordinary(IMAGES, nn.Parameter(IMAGES), None)


@pytest.mark.parametrize(
    "images",
    [
        IMAGES.double(),
        IMAGES.bfloat16(),
        IMAGES.to("meta"),
        IMAGES[:0],
        IMAGES.as_subclass(Subclass),
    ],
    ids=["float64", "bfloat16", "another device", "empty", "a subclass"],
)
def test_other_tensors_are_left_to_torch(images: Tensor) -> None:
    assert not available(images)


CONTEXTS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "autocast": partial(torch.autocast, "cpu", torch.bfloat16),
    "dispatch mode": partial(FlopCounterMode, display=False),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_contexts_that_look_into_operations(name: str) -> None:
    with CONTEXTS[name]():
        assert not available(IMAGES)
    assert available(IMAGES)


@pytest.mark.parametrize("transform", [vmap, grad], ids=["vmap", "grad"])
def test_function_transforms(transform: Callable[..., Any]) -> None:
    seen: list[bool] = []

    def record(images: Tensor) -> Tensor:
        seen.append(available(images))
        return images.sum()

    transform(record)(IMAGES)
    assert seen == [False]


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace")  # deprecated, and still how some export
def test_tracing_and_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def record(images: Tensor) -> Tensor:
        seen.append(available(images))
        return images + 1

    torch.jit.trace(record, IMAGES, check_trace=False)  # type: ignore[no-untyped-call]
    with monkeypatch.context() as patch:
        patch.setattr(torch.compiler, "is_compiling", lambda: True)
        record(IMAGES)
    assert seen == [False, False]


def test_the_private_name_of_torch_is_there_and_counts_dispatch_modes() -> None:
    count = torch._C._len_torch_dispatch_stack
    for modes in (0, 1, 2):
        outer = FlopCounterMode(display=False) if modes else nullcontext()
        with outer, FlopCounterMode(display=False) if modes > 1 else nullcontext():
            assert count() == modes


def test_without_the_private_name_all_is_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch._C, "_len_torch_dispatch_stack")
    assert not conditions.available(IMAGES)
