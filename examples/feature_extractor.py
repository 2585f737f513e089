"""The trained network as a frozen feature extractor inside a larger LightningModule."""

import sys

import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.nn import functional as F

from mnist_lightning import MNISTClassifier, MNISTDataModule


class OddOrEven(LightningModule):
    """Tell odd from even digits, by one layer on frozen features."""

    def __init__(self, checkpoint: str) -> None:
        super().__init__()
        self.net = MNISTClassifier.load_from_checkpoint(checkpoint).net
        self.net.requires_grad_(False)
        self.layer = nn.Linear(self.net.head.in_features, 2)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, (B, 2), of images, (B, 1, 28, 28)."""
        logits: Tensor = self.layer(self.net.features(images))
        return logits

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the mean cross-entropy of the batch."""
        images, labels = batch
        return F.cross_entropy(self(images), labels % 2)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the share of right answers."""
        images, labels = batch
        right = (self(images).argmax(dim=1) == labels % 2).float().mean()
        self.log("accuracy", right, batch_size=len(labels))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Train the new layer only."""
        return torch.optim.Adam(self.layer.parameters(), lr=0.01)


def main(checkpoint: str, data: MNISTDataModule | None = None) -> float:
    """Train for one epoch, by default on MNIST; the accuracy on the test images."""
    trainer = Trainer(max_epochs=1, logger=False, enable_checkpointing=False)
    trainer.fit(OddOrEven(checkpoint), datamodule=data or MNISTDataModule())
    return trainer.callback_metrics["accuracy"].item()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python feature_extractor.py CHECKPOINT")
    print(f"accuracy {main(sys.argv[1]):.2%}")
