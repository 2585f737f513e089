"""Training on a GPU, many steps at once."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn

from mnist_lightning.callbacks.graph_rules import APART, room, suits
from mnist_lightning.step_graph import STEPS, StepGraph

DEVICE = "cuda"


class CUDAGraphs(Callback):
    """Have a GPU make most training steps by itself, as a CUDA graph.

    A GPU then waits neither for each of the small network's kernels to be launched, nor for what
    Lightning does between two steps; never yet measured on one. Lightning makes the first of each
    hundred steps, those at which something is due, the last of an epoch or one that a validation or
    checkpoint follows, and what is left over before these. The other steps are replayed, and
    counted everywhere. They are recorded once there are some, and compared with steps made one by
    one before they are used. Where a stop is asked for, the steps under way are finished first.

    Runs that this does not suit go the plain way: several processes, accumulated or clipped
    gradients, other precisions than 32 bits, dropout, augmentation, a schedule by steps, a
    profiler, and hooks of others that look at each step.
    """

    def __init__(self) -> None:
        self._graph: StepGraph | None = None
        self._plain = False  # this epoch
        self._refused = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the replayed steps in front of each that Lightning makes."""
        self._plain = self._refused = False
        if pl_module.device.type == DEVICE:
            loop = trainer.fit_loop.epoch_loop
            loop.advance = partial(self._advance, trainer, loop.advance)  # type: ignore[method-assign]

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look anew whether the run is one that graphs suit."""
        self._plain = self._refused

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the graph: it can neither be copied nor saved."""
        trainer.fit_loop.epoch_loop.__dict__.pop("advance", None)
        self._graph = None

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Forget the graph."""
        self.on_train_end(trainer, pl_module)

    def _advance(self, trainer: Trainer, advance: Callable[[Any], None], fetcher: Any) -> None:
        """Replay what there is room for, and make the next step as Lightning does."""
        self._plain = self._plain or not suits(trainer)
        count = 0 if self._plain else room(trainer) // STEPS * STEPS
        if count:
            try:
                graph = self._graph_of(trainer)
            except (RuntimeError, AssertionError) as error:
                self._plain = self._refused = True
                rank_zero_warn(f"no CUDA graphs: {_first(error)}")
            else:
                _replay(trainer, graph, count)
                fetcher.fetched += count
        advance(fetcher)

    def _graph_of(self, trainer: Trainer) -> StepGraph:
        """The graph, recorded where there is none of these batches and weights."""
        module: Any = trainer.lightning_module
        adam: Any = trainer.optimizers[0]
        batches: Any = trainer.train_dataloader
        graph = self._graph
        if not graph or graph.batches is not batches or not graph.is_current():
            transform = partial(trainer.datamodule.on_after_batch_transfer, dataloader_idx=0)  # type: ignore[attr-defined]
            graph = self._graph = StepGraph(module, adam, batches, transform, APART)
        return graph


def _first(error: BaseException) -> BaseException:
    """The error that began it: where recording fails, its end fails too."""
    return _first(error.__context__) if error.__context__ else error


def _replay(trainer: Trainer, graph: StepGraph, count: int) -> None:
    """Make steps, and count them where Lightning counts its own."""
    module: Any = trainer.lightning_module
    module.count_trained(*graph.run(torch.cat(graph.batches.ahead(count))))
    loop = trainer.fit_loop.epoch_loop
    optimizer = loop.automatic_optimization.optim_progress.optimizer
    for progress in (loop.batch_progress, optimizer.step, optimizer.zero_grad):
        progress.increment_by(count)
    loop._batches_that_stepped += count
