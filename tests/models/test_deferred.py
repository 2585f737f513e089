"""Updates put off, against NumPy."""

import numpy as np
import pytest
import torch
from torchmetrics import MeanMetric

from mnist_lightning.models.deferred import MOST, Deferred

VALUES = torch.rand(2 * MOST + 7, 3, generator=torch.Generator().manual_seed(0))


def given(updates: int) -> Deferred:
    metric = Deferred(MeanMetric())
    for values in VALUES[:updates]:
        metric.update(values)
    return metric


def test_updates_are_put_off() -> None:
    metric = given(MOST + 1)
    assert metric.metric.mean_value == pytest.approx(VALUES[:MOST].sum())
    assert not given(MOST - 1).metric.update_called


@pytest.mark.parametrize("updates", [1, MOST, 2 * MOST + 7])
def test_nothing_is_left_out(updates: int) -> None:
    metric = given(updates)
    assert metric.compute().item() == pytest.approx(np.mean(VALUES[:updates].numpy()), rel=1e-6)
    assert given(updates).metric_state["weight"] == 3 * updates


def test_as_exact_wherever_it_is_read() -> None:
    straight, read = MeanMetric(), Deferred(MeanMetric())
    for i, values in enumerate(VALUES):
        straight.update(values)
        read.update(values)
        if i in (3, 60, 61):
            read.compute()
    assert read.metric_state == straight.metric_state


def test_what_was_put_off_is_forgotten_with_the_rest() -> None:
    metric = given(5)
    metric.reset()
    metric.update(VALUES[0])
    assert metric.compute().item() == pytest.approx(np.mean(VALUES[0].numpy()))


def test_a_move_to_another_device_takes_all_along() -> None:
    assert given(5).to("meta").metric.mean_value.is_meta
    moved = given(5)
    moved.to("cpu")
    assert moved.metric._update_count == 5, "else they would be left behind"
