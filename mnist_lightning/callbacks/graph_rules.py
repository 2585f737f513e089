"""When training steps may be made without Lightning."""

from collections.abc import Iterator

import torch
from lightning import Callback, Trainer
from lightning.pytorch.callbacks import (
    ModelCheckpoint,
    ProgressBar,
    RichProgressBar,
    Timer,
    TQDMProgressBar,
)
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch import nn

from mnist_lightning.batches import Batches
from mnist_lightning.callbacks.board import Board
from mnist_lightning.callbacks.finite import EVERY, Finite
from mnist_lightning.callbacks.last_checkpoint import LastCheckpoint
from mnist_lightning.classifier import MNISTClassifier
from mnist_lightning.data import MNISTDataModule
from mnist_lightning.keras_adam import KerasAdam
from mnist_lightning.network import ConvNet

APART = 2 * EVERY  # steps from one that Lightning makes to the next, at most
HOOKS = (
    "on_train_batch_start",
    "on_train_batch_end",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
)
LAYER_HOOKS = ("_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks")
# whose hooks are content with a look now and then
CONTENT = (Callback, Board, Finite, LastCheckpoint, ModelCheckpoint, Timer)
BARS = (ProgressBar, TQDMProgressBar, RichProgressBar)


def room(trainer: Trainer) -> int:
    """How many steps may be made before one at which something is due; 0 where that is the next."""
    fit = trainer.fit_loop
    assert fit._data_fetcher is not None
    if fit.epoch_loop.restarting and fit.epoch_loop._should_check_val_fx(fit._data_fetcher):
        return 0  # it has to go on with a validation
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
    if trainer.min_steps:
        yield trainer.min_steps, steps
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, LastCheckpoint) and callback.every_n_train_steps:
            yield callback.every_n_train_steps, steps
        if isinstance(callback, ModelCheckpoint) and callback._every_n_train_steps:
            yield callback._every_n_train_steps, steps


def suits(trainer: Trainer) -> bool:
    """Whether steps can be made without Lightning, and nobody looks at each."""
    module, data = trainer.lightning_module, trainer.datamodule  # type: ignore[attr-defined]
    return (
        type(module) is MNISTClassifier  # another may do more in a step
        and type(module.net) is ConvNet
        and type(data) is MNISTDataModule
        and not any(data.augmentation.values())
        and type(trainer.train_dataloader) is Batches
        and [type(adam) for adam in trainer.optimizers] == [KerasAdam]
        and len(trainer.optimizers[0].param_groups) == 1
        and not trainer.lr_scheduler_configs
        and type(trainer.strategy) is SingleDeviceStrategy
        and trainer.accumulate_grad_batches == 1
        and trainer.precision == "32-true"
        and not trainer.gradient_clip_val
        and type(trainer.profiler) is PassThroughProfiler  # type: ignore[attr-defined]
        and not any(map(_looks, trainer.callbacks))  # type: ignore[attr-defined]
        and not _looked_at(module, trainer.optimizers[0])
    )


def _looks(callback: Callback) -> bool:
    """Whether a callback looks at each step."""
    classes = type(callback).__mro__
    owners = [next(each for each in classes if hook in vars(each)) for hook in HOOKS]
    return any(hook in vars(callback) for hook in HOOKS) or not {*owners} <= {*CONTENT, *BARS}


def _looked_at(module: MNISTClassifier, adam: torch.optim.Optimizer) -> bool:
    """Whether a layer draws at random, a weight is frozen, or something hangs on one of them."""
    return (
        any(isinstance(layer, nn.Dropout) or "forward" in vars(layer) for layer in module.modules())
        or any(vars(layer)[name] for layer in module.modules() for name in LAYER_HOOKS)
        or not all(weight.requires_grad for weight in module.parameters())
        or any(w._backward_hooks or w._post_accumulate_grad_hooks for w in module.parameters())
        or len(adam._optimizer_step_pre_hooks) > 1  # its own
        or bool(adam._optimizer_step_post_hooks)
        or "training_step" in vars(module)
    )
