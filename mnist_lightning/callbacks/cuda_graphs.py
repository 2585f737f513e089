"""Training on a GPU, many steps at once."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint, ProgressBar, Timer
from lightning.pytorch.utilities import rank_zero_warn
from torch import nn

from mnist_lightning.batches import Batches
from mnist_lightning.callbacks.board import Board
from mnist_lightning.callbacks.finite import EVERY, Finite
from mnist_lightning.callbacks.last_checkpoint import LastCheckpoint
from mnist_lightning.classifier import MNISTClassifier
from mnist_lightning.data import MNISTDataModule
from mnist_lightning.keras_adam import KerasAdam
from mnist_lightning.network import ConvNet
from mnist_lightning.step_graph import STEPS, StepGraph

DEVICE = "cuda"
APART = 2 * EVERY  # steps from one that Lightning makes to the next, at most
HOOKS = (
    "on_train_batch_start",
    "on_train_batch_end",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
)
CONTENT = (Board, Checkpoint, Finite, ProgressBar, Timer)  # with a look now and then


class CUDAGraphs(Callback):
    """Have a GPU make most training steps by itself, as a CUDA graph.

    Launching the small network's kernels one by one takes longer than running them, and so does
    what Lightning does between two steps. So it makes the first of each hundred steps, and those at
    which something is due: the last of an epoch, or one that a validation or checkpoint follows.
    The steps between are replayed, and counted everywhere. They are recorded once there are some,
    and compared with steps made one by one before they are used.

    Runs that this does not suit go the plain way: several processes, accumulated or clipped
    gradients, other precisions than 32 bits, dropout, augmentation, a schedule by steps, and
    callbacks of others that look at each step.
    """

    def __init__(self) -> None:
        self._graph: StepGraph | None = None
        self._refused = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put the replayed steps in front of each that Lightning makes."""
        if pl_module.device.type == DEVICE:
            loop = trainer.fit_loop.epoch_loop
            loop.advance = partial(self._advance, trainer, loop.advance)  # type: ignore[method-assign]

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
        count = 0 if self._refused else room(trainer) // STEPS * STEPS
        if count and suits(trainer):
            try:
                graph = self._graph_of(trainer)
            except (RuntimeError, AssertionError) as error:
                self._refused = True
                rank_zero_warn(f"no CUDA graphs: {error}")
            else:
                _replay(trainer, graph, count)
                fetcher.fetched += count
        advance(fetcher)

    def _graph_of(self, trainer: Trainer) -> StepGraph:
        """The graph, recorded where there is none of these batches."""
        module: Any = trainer.lightning_module
        adam: Any = trainer.optimizers[0]
        batches: Any = trainer.train_dataloader
        if not self._graph or self._graph.batches is not batches:
            transform = partial(trainer.datamodule.on_after_batch_transfer, dataloader_idx=0)  # type: ignore[attr-defined]
            self._graph = StepGraph(module, adam, batches, transform, APART)
        return self._graph


def room(trainer: Trainer) -> int:
    """How many steps may be made before one at which something is due; 0 where that is the next."""
    loop = trainer.fit_loop.epoch_loop
    if loop.restarting:  # it may have to go on with a validation
        return 0
    return min(every - 1 - done % every for every, done in _due(trainer))


def _due(trainer: Trainer) -> Iterator[tuple[int, int]]:
    """What is due each so many steps, and how many steps it counts."""
    batches = trainer.fit_loop.epoch_loop.batch_progress
    done, steps = batches.current.ready, trainer.global_step
    yield APART, done - 1
    yield int(trainer.num_training_batches), done
    if isinstance(trainer.val_check_batch, int):
        by_epoch = trainer.check_val_every_n_epoch is not None
        yield trainer.val_check_batch, done if by_epoch else batches.total.ready
    if trainer.max_steps != -1:
        yield trainer.max_steps, steps
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, LastCheckpoint) and callback.every_n_train_steps:
            yield callback.every_n_train_steps, steps
        if isinstance(callback, ModelCheckpoint) and callback._every_n_train_steps:
            yield callback._every_n_train_steps, steps


def suits(trainer: Trainer) -> bool:
    """Whether steps can be made without Lightning, and nobody looks at each."""
    module, data, loader = trainer.lightning_module, trainer.datamodule, trainer.train_dataloader  # type: ignore[attr-defined]
    return (
        type(module) is MNISTClassifier  # another may do more in a step
        and type(module.net) is ConvNet
        and type(data) is MNISTDataModule
        and not any(data.augmentation.values())
        and type(loader) is Batches
        and [type(adam) for adam in trainer.optimizers] == [KerasAdam]
        and len(trainer.optimizers[0].param_groups) == 1
        and all(weight.requires_grad for weight in module.parameters())
        and not trainer.lr_scheduler_configs
        and trainer.world_size == trainer.accumulate_grad_batches == 1
        and trainer.precision == "32-true"
        and not trainer.gradient_clip_val
        and not any(isinstance(layer, nn.Dropout) or _hooked(layer) for layer in module.modules())
        and not any(map(_looks, trainer.callbacks))  # type: ignore[attr-defined]
    )


def _hooked(layer: nn.Module) -> bool:
    passes = (layer._forward_pre_hooks, layer._forward_hooks)
    return any((*passes, layer._backward_pre_hooks, layer._backward_hooks))


def _looks(callback: Callback) -> bool:
    """Whether a callback looks at each step."""
    overrides = any(getattr(type(callback), hook) is not getattr(Callback, hook) for hook in HOOKS)
    return overrides and not isinstance(callback, CONTENT)


def _replay(trainer: Trainer, graph: StepGraph, count: int) -> None:
    """Make steps, and count them where Lightning counts its own."""
    module: Any = trainer.lightning_module
    module.count_trained(*graph.run(torch.cat(graph.batches.ahead(count))))
    loop = trainer.fit_loop.epoch_loop
    optimizer = loop.automatic_optimization.optim_progress.optimizer
    for progress in (loop.batch_progress, optimizer.step, optimizer.zero_grad):
        progress.increment_by(count)
    loop._batches_that_stepped += count
