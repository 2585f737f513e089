"""MNISTDataModule with somebody else's LightningModule."""

import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.nn import functional as F

from mnist_lightning import MNISTDataModule


class Linear(LightningModule):
    """Logistic regression on the pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean cross-entropy of the batch."""
        images, labels = batch
        return F.cross_entropy(self.layers(images), labels)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the share of right answers."""
        images, labels = batch
        right = (self.layers(images).argmax(dim=1) == labels).float().mean()
        self.log("accuracy", right, batch_size=len(labels))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Plain gradient descent."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


def main(data: MNISTDataModule | None = None) -> float:
    """Train for one epoch, by default on MNIST; the accuracy on the test images."""
    trainer = Trainer(max_epochs=1, logger=False, enable_checkpointing=False)
    trainer.fit(Linear(), datamodule=data or MNISTDataModule())
    return trainer.callback_metrics["accuracy"].item()


if __name__ == "__main__":
    print(f"accuracy {main():.2%}")
