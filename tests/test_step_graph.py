"""Recorded training steps against Lightning's and against steps made one by one."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from recorder import Graphs
from torch import Tensor

from mnist_lightning import MNISTClassifier, step_graph
from mnist_lightning.batches import Batches, shuffled
from mnist_lightning.keras_adam import KerasAdam
from mnist_lightning.step_graph import STEPS, StepGraph

SIZE = 4


def transform(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return batch[0] / 255, batch[1]


def batches() -> Batches:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(256, (100, 1, 28, 28), generator=generator, dtype=torch.uint8)
    return shuffled(images, torch.arange(100) % 10, SIZE, seed=0)


class Plain:
    """A classifier, and steps made one by one."""

    def __init__(self, batch_norm: bool = False) -> None:
        torch.manual_seed(0)
        self.module = MNISTClassifier([2], [8], batch_norm=batch_norm)
        self.adam = KerasAdam(self.module.parameters())

    def step(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        losses, logits = self.module.losses(transform(batch))
        self.adam.zero_grad()
        losses.mean().backward()  # type: ignore[no-untyped-call]
        self.adam.step()
        return losses, logits


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Graphs:
    graphs = Graphs()
    monkeypatch.setattr(step_graph, "record", graphs.record)
    return graphs


@pytest.mark.parametrize("batch_norm", [False, True])
def test_replayed_steps_are_those_made_one_by_one(graphs: Graphs, batch_norm: bool) -> None:
    plain, loader = Plain(batch_norm), batches()
    plain.step(next(iter(loader)))
    graphed = copy.deepcopy(plain)
    graph = StepGraph(graphed.module, graphed.adam, loader, transform, 2 * STEPS)
    for count, lr in ((2, 1e-3), (1, 3e-3)):  # the second call overwrites the first one's memory
        for each in (plain, graphed):
            each.adam.param_groups[0]["lr"] = lr
        rows = torch.randperm(100)[: STEPS * SIZE].repeat(count)
        losses, logits, targets = graph.run(rows)
        for i, index in enumerate(torch.split(rows, SIZE)):
            expected = plain.step((loader.images[index], loader.labels[index]))
            place = slice(i * SIZE, (i + 1) * SIZE)
            torch.testing.assert_close((losses[place], logits[place]), expected)
        assert torch.equal(targets, loader.labels[rows])
        torch.testing.assert_close(graphed.module.state_dict(), plain.module.state_dict())
        states = [each.adam.state_dict()["state"] for each in (graphed, plain)]
        torch.testing.assert_close(*states)
        assert graphed.adam.param_groups[0]["t"] == plain.adam.param_groups[0]["t"]
    assert graphs.recorded == 1
    assert graphs.replayed == 1 + 2 + 1  # once to compare


def test_making_a_graph_changes_nothing(graphs: Graphs) -> None:
    plain, loader = Plain(batch_norm=True), batches()
    plain.step(next(iter(loader)))
    before = copy.deepcopy((plain.module.state_dict(), plain.adam.state_dict()))
    StepGraph(plain.module, plain.adam, loader, transform, 2 * STEPS)
    after = plain.module.state_dict(), plain.adam.state_dict()
    torch.testing.assert_close(after, before, rtol=0, atol=0)


def repeats_nothing(graph: StepGraph) -> None:
    """What a broken graph may do."""


def makes_no_numbers(graph: StepGraph) -> None:
    graph._steps()
    torch.nn.init.constant_(graph._module.net.head.bias, torch.nan)


def takes_other_images(graph: StepGraph) -> None:
    graph._rows += 1
    graph._steps()


def forgets_a_correction(graph: StepGraph) -> None:
    graph._rates[:] = graph._adam.param_groups[0]["lr"]
    graph._steps()


def forgets_the_losses(graph: StepGraph) -> None:
    graph._steps()
    graph._losses.zero_()


BROKEN = [
    repeats_nothing,
    makes_no_numbers,
    takes_other_images,
    forgets_a_correction,
    forgets_the_losses,
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_other_steps_are_refused(
    monkeypatch: pytest.MonkeyPatch, broken: Callable[[StepGraph], None]
) -> None:
    plain, loader = Plain(), batches()
    plain.step(next(iter(loader)))
    before = copy.deepcopy((plain.module.state_dict(), plain.adam.state_dict()))

    def record(steps: Any) -> Callable[[], None]:
        steps()
        return lambda: broken(steps.__self__)

    monkeypatch.setattr(step_graph, "record", record)
    with pytest.raises(RuntimeError, match="one by one"):
        StepGraph(plain.module, plain.adam, loader, transform, 2 * STEPS)
    after = plain.module.state_dict(), plain.adam.state_dict()
    torch.testing.assert_close(after, before, rtol=0, atol=0)


def test_what_was_moved_is_noticed(graphs: Graphs) -> None:
    plain, loader = Plain(), batches()
    plain.step(next(iter(loader)))
    graph = StepGraph(plain.module, plain.adam, loader, transform, 2 * STEPS)
    graph.run(torch.arange(STEPS * SIZE))
    assert graph.is_current()
    plain.adam.load_state_dict(copy.deepcopy(plain.adam.state_dict()))
    assert not graph.is_current()


def test_what_waits_for_a_gpu_cannot_be_recorded(graphs: Graphs) -> None:
    plain, loader = Plain(), batches()
    plain.step(next(iter(loader)))
    before = copy.deepcopy(plain.module.state_dict())

    def waits(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return batch[0] / batch[0].max().item(), batch[1]

    with pytest.raises(RuntimeError, match="not permitted"):
        StepGraph(plain.module, plain.adam, loader, waits, 2 * STEPS)
    torch.testing.assert_close(plain.module.state_dict(), before, rtol=0, atol=0)
