"""What exact resume needs beside weights, optimizer and Lightning's counts."""

from math import isfinite
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor
from torch.optim import Optimizer
from torchmetrics import Metric

from mnist_lightning.models.classifier import MNISTClassifier, class_path
from mnist_lightning.models.plain import is_plain, plain


class TrainingState(Callback):
    """Keep torch's random state and the metrics of the epoch under way in checkpoints.

    So dropout and epoch means go on as if never interrupted. The random state is that of the first
    process alone; with several, the others' dropout begins anew. The optimizer's state of a
    checkpoint is checked before the first step.
    """

    def __init__(self) -> None:
        self._random: dict[str, Any] = {}
        self._metrics: dict[str, dict[str, Any]] | None = None  # until a checkpoint is loaded

    @property
    def state_key(self) -> str:
        """The callback's name in checkpoints, as in version 0.1."""
        return "RandomState"

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore what was loaded, once all that comes before training is done."""
        if self._metrics is None:
            return
        for optimizer in trainer.optimizers:
            check_optimizer(optimizer)
        metrics = _metrics(pl_module)
        for name in metrics.keys() & self._metrics.keys():  # others are made when they are needed
            _restore(metrics[name], self._metrics[name])
        if trainer.fit_loop.restarted_mid_epoch and isinstance(pl_module, MNISTClassifier):
            # no batch may be left of this epoch to log them again
            pl_module.log_counted("train_metrics")
        if self._random:
            torch.set_rng_state(self._random["cpu"])
            if len(self._random["cuda"]) == torch.cuda.device_count():
                torch.cuda.set_rng_state_all(self._random["cuda"])
        self._random, self._metrics = {}, None

    def on_save_checkpoint(self, _: Any, module: Any, checkpoint: dict[str, Any]) -> None:
        """Keep the metrics' states, another class's name, and settings that can be read again."""
        if type(module) is not MNISTClassifier:
            checkpoint["model_class"] = class_path(type(module))
        settings = plain(checkpoint.get("hyper_parameters", {}))
        plain_ones = {name: value for name, value in settings.items() if is_plain(value)}
        checkpoint["hyper_parameters"] = plain_ones
        metrics = _metrics(module).items()
        checkpoint["metrics"] = {name: dict(each.metric_state) for name, each in metrics}

    def on_load_checkpoint(self, _: Any, __: Any, checkpoint: dict[str, Any]) -> None:
        """Take the metrics' states."""
        old = checkpoint.get("train_figures", {})  # version 0.1 kept the training metrics alone
        old = {f"train_metrics.{name}": state for name, state in old.items()}
        self._metrics = {**checkpoint.get("metrics", old)}

    def state_dict(self) -> dict[str, Any]:
        """The random state on the CPU and on each GPU."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        return {"cpu": torch.get_rng_state(), "cuda": cuda}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the random state until training starts; what is none is refused now."""
        torch.Generator().set_state(state_dict["cpu"])
        self._random = {"cpu": state_dict["cpu"], "cuda": list(state_dict["cuda"])}


def _metrics(module: LightningModule) -> dict[str, Metric]:
    return {name: each for name, each in module.named_modules() if isinstance(each, Metric)}


def _restore(metric: Metric, state: dict[str, Any]) -> None:
    """Load a metric's state: tensors of the shapes that it has, or lists of tensors."""
    for part, value in metric.metric_state.items():
        found = state[part]
        alike = isinstance(found, list)
        if isinstance(value, Tensor):
            alike = isinstance(found, Tensor) and found.shape == value.shape
        if not alike:
            raise ValueError(f"the metric's {part} is none")
    metric.reset()
    metric.load_state_dict(apply_to_collection(state, Tensor, lambda x: x.to(metric.device)))


def check_optimizer(optimizer: Optimizer) -> None:
    """Refuse, by a ValueError, a loaded state with other options or other shapes of moments.

    torch would fail at the next step, go on with other numbers, or read beyond a moment's end.
    """
    for group in optimizer.param_groups:
        for name, default in optimizer.defaults.items():
            if not _is_alike(group.get(name), default):
                raise ValueError(f"the optimizer's {name} is {group.get(name)}")
    if not optimizer.defaults.get("fused"):
        return  # what is no fused kernel looks at shapes itself, and may keep what it likes
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            shape = torch.Size() if name == "step" else weight.shape
            if not isinstance(value, Tensor) or value.shape != shape:
                raise ValueError(f"the optimizer's {name} has not the shape of its weight")


def _is_alike(value: Any, default: Any) -> bool:
    """True for a finite number in place of a number, and else for the same value."""
    if isinstance(default, tuple):
        return isinstance(value, tuple | list) and all(map(_is_alike, value, default))
    if isinstance(default, bool) or not isinstance(default, int | float):
        return bool(value == default)
    return isinstance(value, int | float) and isfinite(value)
