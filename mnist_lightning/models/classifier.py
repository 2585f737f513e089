"""The LightningModule around the network."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from lightning import LightningModule
from lightning.fabric.utilities.exceptions import MisconfigurationException
from torch import Tensor
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR
from torchmetrics import MeanMetric, Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy

from mnist_lightning.models.keras_adam import KerasAdam
from mnist_lightning.models.network import CONV_CHANNELS, HIDDEN_DIMS, IMAGE_SIZE, ConvNet


class MNISTClassifier(LightningModule):
    """Train a ConvNet with Adam and cross-entropy, and log its loss and accuracy.

    Batches are pairs of images, (B, 1, 28, 28) float, and targets, (B,) int64 in
    [0, num_classes). The logged names are ``train/loss``, ``train/accuracy`` and the same under
    ``val`` and ``test``; each is the mean over the images of the epoch. The training metrics are
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
        self.schedule = schedule
        self.label_smoothing = label_smoothing
        self.example_input_array = torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE)
        self.train_metrics = _metrics("train", num_classes)
        self.val_metrics = _metrics("val", num_classes)
        self.test_metrics = _metrics("test", num_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the logits, (B, num_classes), of images, (B, 1, 28, 28) float."""
        logits: Tensor = self.net(images)
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean cross-entropy of the batch, a float scalar."""
        return self._step(self.train_metrics, batch, batch_idx)["loss"]

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Return ``loss``, a float scalar, and ``logits``, (B, num_classes)."""
        return self._step(self.val_metrics, batch, batch_idx)

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> dict[str, Tensor]:
        """Return ``loss``, a float scalar, and ``logits``, (B, num_classes)."""
        return self._step(self.test_metrics, batch, batch_idx)

    def predict_step(self, batch: Tensor | Sequence[Tensor]) -> dict[str, Tensor]:
        """Classify images, alone or first in a batch.

        Returns:
            ``digits``, (B,) int64, and ``probabilities``, (B, num_classes) float.
        """
        images = batch if isinstance(batch, Tensor) else batch[0]
        probabilities = self(images).softmax(dim=1)
        return {"digits": probabilities.argmax(dim=1), "probabilities": probabilities}

    def configure_optimizers(self) -> Any:
        """Adam as Keras computes it, and the schedule of its learning rate."""
        adam = KerasAdam(self.parameters(), lr=self.lr)
        if self.schedule == "constant":
            return adam
        steps = self.trainer.estimated_stepping_batches
        if steps == float("inf"):
            raise MisconfigurationException("schedule is one_cycle: needs trainer.max_epochs")
        # Smith & Topin (2018), with torch's cosines; Adam's momentum stays as it is
        one_cycle = OneCycleLR(adam, self.lr, int(steps), cycle_momentum=False)
        return [adam], [{"scheduler": one_cycle, "interval": "step"}]

    def _step(
        self, metrics: MetricCollection, batch: tuple[Tensor, Tensor], batch_idx: int
    ) -> dict[str, Tensor]:
        if batch_idx == 0:
            metrics.reset()  # an interrupted pass leaves images, one in inference mode its tensors
            # once a pass is enough, for Lightning computes them at its end; each call takes 0.5 ms
            self.log_dict(metrics, on_step=False, on_epoch=True)
        images, targets = batch
        logits = self(images)
        smoothing = self.label_smoothing if self.training else 0.0
        # of each image: torchmetrics 1.9 ignores weights of a mean where NaN is not looked for
        losses = F.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
        metrics.update(value=losses.detach(), preds=logits.detach(), target=targets)
        return {"loss": losses.mean(), "logits": logits}


def _metrics(stage: str, num_classes: int) -> MetricCollection:
    """Mean over the images; values are not checked, for which a GPU would wait at each step."""
    metrics: dict[str, Metric | MetricCollection] = {
        "loss": MeanMetric(nan_strategy="disable"),
        "accuracy": MulticlassAccuracy(num_classes, average="micro", validate_args=False),
    }
    return MetricCollection(metrics, prefix=f"{stage}/", compute_groups=False)
