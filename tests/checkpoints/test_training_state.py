"""What exact resume checks before the first step."""

from itertools import product
from typing import Any

import pytest
import torch
from torch import nn

from mnist_lightning.checkpoints.training_state import check_optimizer
from mnist_lightning.models.keras_adam import KerasAdam


def trained() -> KerasAdam:
    """An optimizer after a step."""
    weight = nn.Parameter(torch.ones(2, 3))
    adam = KerasAdam([weight])
    weight.sum().backward()  # type: ignore[no-untyped-call]
    adam.step()
    return adam


def test_a_state_of_its_own_is_sound() -> None:
    check_optimizer(trained())


# A moment of another shape would be read beyond its end
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *product(["exp_avg", "exp_avg_sq", "step"], [torch.zeros(3), torch.zeros(3, 2), None, 1.0]),
        ("exp_avg", torch.zeros(())),
    ],
)
def test_moments_have_the_shape_of_their_weights(name: str, value: Any) -> None:
    adam = trained()
    (state,) = adam.state.values()
    state[name] = value
    with pytest.raises(ValueError, match=f"the optimizer's {name} has not the shape"):
        check_optimizer(adam)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr", "x"),
        ("lr", float("nan")),
        ("betas", 5),
        ("betas", ("x", 0.9)),
        ("weight_decay", None),
        ("differentiable", True),
        ("amsgrad", 1e300),
        ("fused", False),
    ],
)
def test_options_are_of_the_kind_of_their_defaults(name: str, value: Any) -> None:
    adam = trained()
    adam.param_groups[0][name] = value
    with pytest.raises(ValueError, match=f"the optimizer's {name} is"):
        check_optimizer(adam)
