"""The metrics of a training, validation or test epoch."""

from torch import Tensor, nn
from torchmetrics import MeanMetric, Metric
from torchmetrics.classification import MulticlassAccuracy


class ClassificationMetrics(nn.Module):
    """Mean loss and accuracy over the images of an epoch, as torchmetrics.

    Values are not checked, for which a GPU would have to wait at each step.

    Args:
        num_classes: Number of classes.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.loss = MeanMetric(nan_strategy="disable")
        self.accuracy = MulticlassAccuracy(num_classes, average="micro", validate_args=False)

    def update(self, losses: Tensor, logits: Tensor, targets: Tensor) -> None:
        """Add the images of a batch.

        Args:
            losses: (B,) float, the loss of each image. A mean with its weight would do as well, but
                torchmetrics 1.9 ignores weights where NaN is not looked for.
            logits: (B, num_classes) float.
            targets: (B,) int64.
        """
        self.loss.update(losses.detach())
        self.accuracy.update(logits.detach(), targets)

    def reset(self) -> None:
        """Begin a new epoch."""
        self.loss.reset()
        self.accuracy.reset()

    def named(self, stage: str) -> dict[str, Metric]:
        """Name the metrics for the log: ``train/loss``, ``train/accuracy`` and the like."""
        return {f"{stage}/loss": self.loss, f"{stage}/accuracy": self.accuracy}
