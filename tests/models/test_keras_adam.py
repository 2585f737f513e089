"""Adam against Keras's own optimiser and its formula."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from keras_original import keras
from packaging.version import Version

from mnist_lightning.models.keras_adam import KerasAdam

GRADIENTS = np.random.default_rng(0).normal(size=(50, 7)) * 10.0 ** np.arange(-9, -2)


def test_steps_as_keras_does() -> None:
    # gradients from 1e-9 on: there epsilon decides, and torch's own Adam is off by a factor
    theirs = keras.Variable(np.ones(7), dtype="float64")
    optimizer = keras.optimizers.Adam()
    ours = torch.nn.Parameter(torch.ones(7, dtype=torch.float64))
    adam = KerasAdam([ours])
    for gradient in GRADIENTS:
        optimizer.apply([torch.tensor(gradient)], [theirs])
        ours.grad = torch.tensor(gradient)
        adam.step()
    moved = ours.detach().numpy() - 1
    np.testing.assert_allclose(moved, theirs.value.detach().numpy() - 1, rtol=1e-6)


def as_version_0_1(moment: torch.Tensor) -> torch.Tensor:
    return moment.contiguous(memory_format=torch.channels_last)


def transposed(moment: torch.Tensor) -> torch.Tensor:
    return moment.transpose(0, 1).contiguous().transpose(0, 1)


@pytest.mark.parametrize("lay_out", [torch.clone, as_version_0_1, transposed])
def test_goes_on_where_a_checkpoint_left_whatever_its_memory_format(
    lay_out: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    whole, parts = (torch.nn.Parameter(torch.ones(2, 3, 3, 3)) for _ in range(2))
    adam, first = KerasAdam([whole]), KerasAdam([parts])
    torch.manual_seed(0)
    for step, gradient in enumerate(torch.randn(6, 2, 3, 3, 3)):
        if step == 3:
            state = first.state_dict()
            for moment in ("exp_avg", "exp_avg_sq"):
                state["state"][0][moment] = lay_out(state["state"][0][moment])
            first = KerasAdam([parts])
            first.load_state_dict(state)
        for weight, optimizer in ((whole, adam), (parts, first)):
            weight.grad = gradient.clone()
            optimizer.step()
    assert torch.equal(whole, parts)


@pytest.mark.skipif(
    Version(torch.__version__) < Version("2.11"), reason="torch 2.10 looks for CUDA alone"
)
def test_no_gpu_is_looked_for_at_a_step_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    weight.grad = torch.ones(1)
    adam = KerasAdam([weight])
    looked: list[bool] = []
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda **_: looked.append(True))
    adam.step()
    assert not looked
    torch.optim.Adam([weight]).step()
    assert looked, "torch's own does: 0.3 ms without a GPU"
