"""MNIST with Lightning as its tutorials write it, up to the first training step."""

import sys

import torch
from first_step import FirstStep
from lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor


class Classifier(LightningModule):
    """The network of the Keras original without its layer of 7744 units."""

    def __init__(self) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU()]
        convolutions += [nn.Conv2d(64, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
        self.net = nn.Sequential(*convolutions, nn.Linear(7744, 128), nn.ReLU(), nn.Linear(128, 10))

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Cross-entropy of a batch."""
        return self._loss(batch, "train/loss")

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the cross-entropy of a batch."""
        self._loss(batch, "val/loss")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam with Keras's learning rate."""
        return torch.optim.Adam(self.parameters(), lr=0.001)

    def _loss(self, batch: tuple[Tensor, Tensor], name: str) -> Tensor:
        images, labels = batch
        loss = F.cross_entropy(self.net(images), labels)
        self.log(name, loss, prog_bar=True)
        return loss


train, test = (MNIST(sys.argv[1], train=part, transform=ToTensor()) for part in (True, False))
trainer = Trainer(max_epochs=5, callbacks=[FirstStep()])
train_loader = DataLoader(train, batch_size=32, shuffle=True)
trainer.fit(Classifier(), train_loader, DataLoader(test, batch_size=32))
