"""Classes that a user could name on the command line."""

from typing import Any

import torch
from lightning import LightningDataModule, LightningModule
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from mnist_lightning import MNISTClassifier, MNISTDataModule


class Wider(MNISTClassifier):
    """A subclass with an argument of its own."""

    def __init__(self, width: int = 3, **options: Any) -> None:
        super().__init__(**options)
        self.more = nn.Linear(width, 1)


class Hooked(MNISTClassifier):
    """A subclass that only overrides hooks."""

    def on_train_epoch_start(self) -> None: ...


class Free(LightningModule):
    """Nothing of ours: one hidden layer."""

    def __init__(self, width: int = 5, lr: float = 0.1) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width is {width}")
        self.save_hyperparameters()
        layers = nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10)
        self.layers = nn.Sequential(nn.Flatten(), *layers)

    def forward(self, images: Tensor) -> Tensor:
        """Logits, (B, 10)."""
        logits: Tensor = self.layers(images)
        return logits

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the loss."""
        return F.cross_entropy(self(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Log the loss by a name of its own."""
        self.log("mine", F.cross_entropy(self(batch[0]), batch[1]))

    test_step = validation_step

    def configure_optimizers(self) -> Any:
        """Plain gradient descent."""
        return torch.optim.SGD(self.parameters(), self.hparams["lr"])


class Random(LightningDataModule):
    """Random images, none of our data module's attributes, and no saved arguments."""

    def __init__(self, count: int = 40, seed: int = 7) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        images = torch.rand(count, 1, 28, 28, generator=generator)
        labels = torch.randint(10, (count,), generator=generator)
        self.images = TensorDataset(images, labels)

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches of 10."""
        return DataLoader(self.images, batch_size=10)

    val_dataloader = test_dataloader = predict_dataloader = train_dataloader


class Renamed(MNISTDataModule):
    """Our data module under another name."""


class Linear(nn.Module):
    """Logistic regression."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.layer = nn.Linear(784, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        logits: Tensor = self.layer(images.flatten(1))
        return logits
