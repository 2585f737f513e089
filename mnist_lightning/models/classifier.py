"""The LightningModule around the network."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

import torch
from lightning import LightningModule
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau
from torchmetrics import MeanMetric, Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy

from mnist_lightning.models.batch import SHAPE, check_targets, cross_entropy, split, to_classes
from mnist_lightning.models.keras_adam import LR, KerasAdam
from mnist_lightning.models.network import CONV_CHANNELS, HIDDEN_DIMS, ConvNet
from mnist_lightning.models.plain import plain

PARTS = ("net", "optimizer", "scheduler")  # arguments that are no plain values
SHOWN_EVERY = 10  # steps between two looks at the running metrics, for which a GPU has to wait


class MNISTClassifier(LightningModule):
    """Train a network with cross-entropy, and log its loss and accuracy.

    Batches are pairs of images, (B, 1, 28, 28) float, and targets, (B,) integers in
    [0, num_classes) or, one-hot or soft, (B, num_classes). The logged names are ``train/loss``,
    ``train/accuracy`` and the same under ``val`` and ``test``; each is the mean over the images of
    the epoch, of each loader by itself. The training metrics are taken while the weights move, as
    Keras reports them. All hooks of Lightning are free for subclasses, which need not call ours.

    Args:
        conv_channels: Output channels of each 3x3 unpadded convolution.
        hidden_dims: Width of each hidden Dense layer; (7744, 128) is the original exactly.
        num_classes: Number of classes.
        lr: Adam's learning rate; Keras's default is 0.001.
        batch_norm: Normalise over the batch before each ReLU; not in the original.
        dropout: Share of the inputs of each Dense layer that training sets to 0, [0, 1).
        schedule: ``constant``, as in the original; ``one_cycle`` raises the learning rate from
            lr / 25 to lr over the first 30 % of the steps, then lowers it to lr / 250,000.
        label_smoothing: Share of each target that training spreads evenly over all classes,
            [0, 1); ``train/loss`` is of these targets, and cannot become 0.
        net: Network of images to logits, (B, num_classes); default: ConvNet of the sizes above,
            which are else unused.
        optimizer: Makes the optimizer of the parameters that are trained; default: KerasAdam.
        scheduler: Makes the schedule of an optimizer: OneCycleLR and CyclicLR go on with each step,
            others with each epoch; ReduceLROnPlateau watches its ``monitor``, by default
            ``val/loss`` or, where its mode is max, ``val/accuracy``.

    Raises:
        ValueError: A size is below 1, lr is not above 0, a share is out of range, or one argument
            leaves another without effect.
    """

    def __init__(
        self,
        conv_channels: Sequence[int] = CONV_CHANNELS,
        hidden_dims: Sequence[int] = HIDDEN_DIMS,
        num_classes: int = 10,
        lr: float = LR,
        batch_norm: bool = False,
        dropout: float = 0.0,
        schedule: Literal["constant", "one_cycle"] = "constant",
        label_smoothing: float = 0.0,
        net: nn.Module | None = None,
        optimizer: OptimizerCallable | None = None,
        scheduler: LRSchedulerCallable | None = None,
    ) -> None:
        super().__init__()
        # before they are saved: a checkpoint with another library's numbers cannot be read
        conv_channels, hidden_dims = plain(conv_channels), plain(hidden_dims)
        num_classes, lr, batch_norm = plain(num_classes), plain(lr), plain(batch_norm)
        dropout, label_smoothing = plain(dropout), plain(label_smoothing)
        if not isinstance(lr, int | float) or not 0 < lr < float("inf"):
            raise ValueError(f"lr is {lr}: must be a number above 0")
        if schedule not in ("constant", "one_cycle"):
            raise ValueError(f"schedule is {schedule}: must be constant or one_cycle")
        if optimizer and lr != LR:
            raise ValueError(f"lr is {lr}: is KerasAdam's; give the optimizer its own")
        if scheduler and schedule != "constant":
            raise ValueError(f"schedule is {schedule}: must be constant where scheduler is given")
        for name, part in (("optimizer", optimizer), ("scheduler", scheduler)):
            if part is not None and not callable(part):
                raise ValueError(
                    f"{name} is {part!r}: must be what makes one, as torch's class does"
                )
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f"label_smoothing is {label_smoothing}: must be 0 or more, and below 1"
            )
        if net is not None and not isinstance(net, nn.Module):
            raise ValueError(f"net is {net}: give the network itself, as net=Net()")
        self.save_hyperparameters(ignore=list(PARTS))
        self.hparams.update({name: plain(value) for name, value in self.hparams.items()})
        if net is not None:  # a name to tell, never to load
            self.hparams["net"] = class_path(type(net))
        sizes = (conv_channels, hidden_dims, num_classes, batch_norm, dropout)
        self.net: Any = ConvNet(*sizes) if net is None else net
        self.num_classes = num_classes
        self.lr = lr
        self.schedule = schedule
        self.label_smoothing = label_smoothing
        self._optimizer = optimizer
        self._scheduler = scheduler
        self.train_metrics = _metrics("train", num_classes)
        self.val_metrics = _metrics("val", num_classes)
        self.test_metrics = _metrics("test", num_classes)

    @property
    def example_input_array(self) -> Any:
        """An image, (1, 1, 28, 28), of the weights' type, which follows the trainer's precision.

        None where the network is not ConvNet, as what it takes is its own affair.
        """
        given = super().example_input_array
        own = given is None and isinstance(self.net, ConvNet)
        return torch.zeros(1, *SHAPE).to(self.dtype) if own else given

    @example_input_array.setter
    def example_input_array(self, given: Any) -> None:
        LightningModule.example_input_array.fset(self, given)  # type: ignore[attr-defined]

    def forward(self, images: Tensor) -> Tensor:
        """Compute the logits, (B, num_classes), of images, (B, 1, 28, 28) float."""
        logits: Tensor = self.net(images)
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean cross-entropy of the batch, a float scalar."""
        return self._step("train_metrics", batch, batch_idx)["loss"]

    def validation_step(
        self, batch: tuple[Tensor, Tensor], batch_idx: int, dataloader_idx: int = 0
    ) -> dict[str, Tensor]:
        """Return ``loss``, a float scalar, and ``logits``, (B, num_classes)."""
        return self._step(self._metrics_of("val", dataloader_idx), batch, batch_idx)

    def test_step(
        self, batch: tuple[Tensor, Tensor], batch_idx: int, dataloader_idx: int = 0
    ) -> dict[str, Tensor]:
        """Return ``loss``, a float scalar, and ``logits``, (B, num_classes)."""
        return self._step(self._metrics_of("test", dataloader_idx), batch, batch_idx)

    def predict_step(self, batch: Tensor | Sequence[Tensor]) -> dict[str, Tensor]:
        """Classify images, alone or first in a batch.

        Returns:
            ``digits``, (B,) int64, and ``probabilities``, (B, num_classes) float.
        """
        images = batch if isinstance(batch, Tensor) else batch[0]
        probabilities = self(images).softmax(dim=1)
        return {"digits": probabilities.argmax(dim=1), "probabilities": probabilities}

    def configure_optimizers(self) -> Any:
        """The optimizer of the parameters that are trained, and its schedule."""
        trained = [each for each in self.parameters() if each.requires_grad]
        optimizer = self._optimizer(trained) if self._optimizer else KerasAdam(trained, lr=self.lr)
        if self._scheduler:
            return {"optimizer": optimizer, "lr_scheduler": _plan(self._scheduler(optimizer))}
        if self.schedule == "constant":
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": _plan(self._one_cycle(optimizer))}

    def _one_cycle(self, optimizer: Optimizer) -> OneCycleLR:
        try:
            steps = self.trainer.estimated_stepping_batches
        except (AttributeError, RuntimeError) as error:  # of Fabric's stand-in, or of none
            reason = "a Trainer alone counts the steps; without one give scheduler"
            raise MisconfigurationException(f"schedule is one_cycle: {reason}") from error
        if not 0 < steps < float("inf"):  # below 0 where the data has no length
            raise MisconfigurationException(
                "schedule is one_cycle: needs trainer.max_epochs, or max_steps"
            )
        # Smith & Topin (2018), with torch's cosines; Adam's momentum stays as it is
        rates = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, rates, int(steps), cycle_momentum=False)

    def log_counted(self, name: str) -> None:
        """Log the metrics of this name as the epoch's, if any image was counted."""
        metrics: MetricCollection = getattr(self, name)
        counted: Any = metrics["loss"].weight
        if counted > 0:
            for part, metric in metrics.items(keep_base=True):
                label, place = f"{metrics.prefix}{part}", f"{name}.{part}"
                plan: Any = {"on_step": False, "on_epoch": True, "metric_attribute": place}
                self.log(label, metric, prog_bar=metrics.prefix == "val/", **plan)

    def _metrics_of(self, stage: str, loader: int) -> str:
        """Name the metrics of a loader; those of the second and further ones are made here."""
        name = f"{stage}_metrics" + (f"_{loader}" if loader else "")
        if not hasattr(self, name):
            self.add_module(name, _metrics(stage, self.num_classes).to(self.device))
        return name

    def _step(self, name: str, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        metrics: MetricCollection = getattr(self, name)
        images, targets = split(batch)
        logits = self(images)
        targets = check_targets(targets, logits, self.num_classes)
        if batch_idx == 0:
            metrics.reset()  # an interrupted pass leaves images, one in inference mode its tensors
        first = not metrics["loss"].update_called
        smoothing = self.label_smoothing if self.training else 0.0
        # of each image: torchmetrics 1.9 ignores weights of a mean where NaN is not looked for
        losses = cross_entropy(logits, targets, smoothing)
        metrics.update(value=losses.detach(), preds=logits.detach(), target=to_classes(targets))
        if first and self.fabric is None:
            # once a pass is enough, for Lightning computes them at its end; each call takes 0.5 ms
            self.log_counted(name)
        if name == "train_metrics" and batch_idx % SHOWN_EVERY == 0:
            self._show_running()
        return {"loss": losses.mean(), "logits": logits}

    def _show_running(self) -> None:
        """Give any progress bar the means of the epoch so far, on this rank.

        ``self.log`` takes ten times as long, and would take the names from subclasses.
        """
        metrics: Any = self.train_metrics
        if (images := float(metrics["loss"].weight)) and self.fabric is None:
            loss, right = metrics["loss"].mean_value, metrics["accuracy"].tp.sum()
            with suppress(RuntimeError):  # there is no Trainer
                shown = self.trainer.progress_bar_metrics
                shown.update(loss=float(loss) / images, acc=float(right) / images)


def class_path(kind: type) -> str:
    """Where a class is imported from, as ``--model`` takes it."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _plan(scheduler: LRScheduler | ReduceLROnPlateau) -> dict[str, Any]:
    """Say when Lightning takes the next step of a schedule, and by which metric."""
    if isinstance(scheduler, ReduceLROnPlateau):
        default = "val/loss" if scheduler.mode == "min" else "val/accuracy"
        return {"scheduler": scheduler, "monitor": getattr(scheduler, "monitor", default)}
    by_step = isinstance(scheduler, OneCycleLR | CyclicLR)
    return {"scheduler": scheduler, "interval": "step" if by_step else "epoch"}


def _metrics(stage: str, num_classes: int) -> MetricCollection:
    """Mean over the images; values are not checked, for which a GPU would wait at each step."""
    metrics: dict[str, Metric | MetricCollection] = {
        "loss": MeanMetric(nan_strategy="disable"),
        "accuracy": MulticlassAccuracy(num_classes, average="micro", validate_args=False),
    }
    return MetricCollection(metrics, prefix=f"{stage}/", compute_groups=False)
