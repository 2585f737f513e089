"""The LightningModule around the network."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from lightning import LightningModule
from lightning.fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import MulticlassAccuracy

from mnist_lightning.models.deferred import Deferred
from mnist_lightning.models.keras_adam import KerasAdam
from mnist_lightning.models.network import CONV_CHANNELS, HIDDEN_DIMS, IMAGE_SIZE, ConvNet


class MNISTClassifier(LightningModule):
    """Train a ConvNet with Adam and cross-entropy, and log its loss and accuracy.

    Batches are pairs of images, (B, 1, 28, 28) float, and targets, (B,) int64 in
    [0, num_classes). The logged names are ``train/loss``, ``train/accuracy`` and the same under
    ``val`` and ``test``; each is the mean over the images of the epoch. The training figures are
    taken while the weights move, as Keras reports them.

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

    Raises:
        ValueError: A size is below 1, lr is not above 0, or a share is out of range.
    """

    def __init__(
        self,
        conv_channels: Sequence[int] = CONV_CHANNELS,
        hidden_dims: Sequence[int] = HIDDEN_DIMS,
        num_classes: int = 10,
        lr: float = 1e-3,
        batch_norm: bool = False,
        dropout: float = 0.0,
        schedule: Literal["constant", "one_cycle"] = "constant",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 < lr < float("inf"):
            raise ValueError(f"lr is {lr}: must be a number above 0")
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f"label_smoothing is {label_smoothing}: must be 0 or more, and below 1"
            )
        self.save_hyperparameters()
        self.net = ConvNet(conv_channels, hidden_dims, num_classes, batch_norm, dropout)
        self.lr = lr
        self.batch_norm = batch_norm
        self.schedule = schedule
        self.label_smoothing = label_smoothing
        self.example_input_array = torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE)
        deferred = {name: Deferred(metric) for name, metric in _figures(num_classes).items()}
        self.train_figures = nn.ModuleDict(deferred)
        self.val_figures = nn.ModuleDict(_figures(num_classes))
        self.test_figures = nn.ModuleDict(_figures(num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Compute the logits, (B, num_classes), of images, (B, 1, 28, 28) float."""
        logits: Tensor = self.net(images)
        return logits

    def on_train_start(self) -> None:
        """Go on with the figures of an epoch; refuse what would fail later."""
        if self.trainer.fit_loop.restarted_mid_epoch:
            self._log("train", self.train_figures)
        scheduler = self.lr_schedulers()
        if isinstance(scheduler, OneCycleLR) and scheduler.total_steps != self._steps():
            raise MisconfigurationException(
                f"schedule is one_cycle: its {scheduler.total_steps} steps are not the "
                f"{self._steps()} of this run; resume with the same options"
            )
        loader = self.trainer.train_dataloader
        size, sampler = (getattr(loader, name, None) for name in ("batch_size", "sampler"))
        if self.batch_norm and size and sampler and (size == 1 or len(sampler) % size == 1):
            raise MisconfigurationException(
                f"batch_norm is True: the last batch of {len(sampler):,} images in batches of "
                f"{size} would hold one, which cannot be normalised; choose another data.batch_size"
            )

    def on_train_epoch_start(self) -> None:
        """Name the figures once an epoch; each step only adds to them."""
        for metric in self.train_figures.values():
            metric.reset()  # type: ignore[operator]
        self._log("train", self.train_figures)

    def on_validation_epoch_start(self) -> None:
        """Name the figures."""
        self._log("val", self.val_figures)

    def on_test_epoch_start(self) -> None:
        """Name the figures."""
        self._log("test", self.test_figures)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean cross-entropy of the batch, a float scalar."""
        return self._step(self.train_figures, batch)["loss"]

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Return ``loss``, a float scalar, and ``logits``, (B, num_classes)."""
        return self._step(self.val_figures, batch)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Return ``loss``, a float scalar, and ``logits``, (B, num_classes)."""
        return self._step(self.test_figures, batch)

    def predict_step(self, batch: Tensor | Sequence[Tensor]) -> dict[str, Tensor]:
        """Classify images, alone or first in a batch.

        Returns:
            ``digits``, (B,) int64, and ``probabilities``, (B, num_classes) float, each row sums
            to 1.
        """
        images = batch if isinstance(batch, Tensor) else batch[0]
        probabilities = self(images).softmax(dim=1)
        return {"digits": probabilities.argmax(dim=1), "probabilities": probabilities}

    def losses(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Compute the cross-entropy of each image, (B,) float, and the logits, (B, num_classes)."""
        images, targets = batch
        logits = self(images)
        smoothing = self.label_smoothing if self.training else 0.0
        losses = F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
        return losses, logits

    def count_trained(self, losses: Tensor, logits: Tensor, targets: Tensor) -> None:
        """Count images in the training figures of the epoch.

        Args:
            losses: (N,) float.
            logits: (N, num_classes) float.
            targets: (N,) int64.
        """
        _update(self.train_figures, losses, logits, targets)

    def configure_optimizers(self) -> Any:
        """Adam as Keras computes it, and the schedule of its learning rate."""
        adam = KerasAdam(self.parameters(), lr=self.lr)
        if self.schedule == "constant":
            return adam
        # Smith & Topin (2018), with torch's cosines; Adam's momentum stays as it is
        one_cycle = OneCycleLR(adam, self.lr, self._steps(), cycle_momentum=False)
        return [adam], [{"scheduler": one_cycle, "interval": "step"}]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the training figures, for an epoch may be under way."""
        figures = self.train_figures.items()
        checkpoint["train_figures"] = {name: metric.metric_state for name, metric in figures}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the training figures; an epoch that starts begins anew."""
        for name, state in checkpoint.get("train_figures", {}).items():
            deferred: Any = self.train_figures[name]
            deferred.reset()
            deferred.metric.load_state_dict(state)
            deferred.metric._update_count = 1  # else torchmetrics warns that it was never updated

    def _steps(self) -> int:
        """The optimiser's steps of the whole run, which a cycle is planned over."""
        steps = self.trainer.estimated_stepping_batches
        if steps == float("inf"):
            raise MisconfigurationException("schedule is one_cycle: needs trainer.max_epochs")
        return int(steps)

    def _step(self, figures: nn.ModuleDict, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        losses, logits = self.losses(batch)
        # a copy, for updates can be put off, and a loader may fill its targets again
        _update(figures, losses.detach(), logits.detach(), batch[1].clone())
        return {"loss": losses.mean(), "logits": logits}

    def _log(self, stage: str, figures: nn.ModuleDict) -> None:
        named = {f"{stage}/{name}": metric for name, metric in figures.items()}
        self.log_dict(named, on_step=False, on_epoch=True)  # type: ignore[arg-type]


def _update(figures: nn.ModuleDict, losses: Tensor, logits: Tensor, targets: Tensor) -> None:
    """Add images; each with a loss of its own: torchmetrics 1.9 forgets weights without NaN."""
    loss, accuracy = figures.values()
    loss.update(losses)  # type: ignore[operator]
    accuracy.update(logits, targets)  # type: ignore[operator]


def _figures(num_classes: int) -> dict[str, Metric]:
    """Mean loss and accuracy; without checks of values, for which a GPU would have to wait."""
    accuracy = MulticlassAccuracy(num_classes, average="micro", validate_args=False)
    return {"loss": MeanMetric(nan_strategy="disable"), "accuracy": accuracy}
