"""Two sides that Lightning must treat alike: our module and data, and stock ones as the control."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning import LightningDataModule, LightningModule, Trainer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from mnist_lightning import MNISTClassifier, MNISTDataModule
from mnist_lightning.data.idx import write_idx

SIZES = (64, 40)  # training and test images
BATCH = 16
LR = 0.01
QUIET: dict[str, Any] = {
    "accelerator": "cpu",
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
}


def our_data(folder: Path, **options: Any) -> MNISTDataModule:
    """Generated digits, in a folder that all rows share."""
    options = {"batch_size": BATCH, "synthetic_size": SIZES, "source": "synthetic", **options}
    return MNISTDataModule(str(folder), **options)


def own_folder(folder: Path, place: Path) -> str:
    """The same digits as four IDX files, as a user could have."""
    place.mkdir(exist_ok=True)
    digits = our_data(folder)
    digits.prepare_data()
    digits.setup()
    for split, part in (("train", digits.train), ("t10k", digits.test)):
        write_idx(place / f"{split}-images-idx3-ubyte", part.images[:, 0])
        write_idx(place / f"{split}-labels-idx1-ubyte", part.labels)
    return str(place)


class StockData(LightningDataModule):
    """The same images in stock data loaders."""

    def __init__(self, folder: Path, batch_size: int = BATCH) -> None:
        super().__init__()
        self.save_hyperparameters("batch_size")
        self.batch_size = batch_size
        images = our_data(folder)
        images.prepare_data()
        images.setup()
        self.train, self.test = (
            TensorDataset(part.images / 255, part.labels) for part in (images.train, images.test)
        )

    def train_dataloader(self) -> Any:
        return DataLoader(self.train, batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self) -> Any:
        return DataLoader(self.test, batch_size=self.batch_size)

    test_dataloader = predict_dataloader = val_dataloader


class StockNet(nn.Module):
    """The layers of our network under the same names."""

    def __init__(self) -> None:
        super().__init__()
        layers = OrderedDict[str, nn.Module](conv1=nn.Conv2d(1, 4, 3), relu1=nn.ReLU())
        layers.update(conv2=nn.Conv2d(4, 4, 3), pool=nn.MaxPool2d(2), relu2=nn.ReLU())
        layers.update(flatten=nn.Flatten(), dense1=nn.Linear(576, 16), dense1_relu=nn.ReLU())
        self.features, self.head = nn.Sequential(layers), nn.Linear(16, 10)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


class StockModule(LightningModule):
    """A classifier as Lightning's documents have it, with our names of metrics."""

    def __init__(self, lr: float = LR) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.lr = lr
        self.net = StockNet()
        self.example_input_array = torch.zeros(1, 1, 28, 28)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.net(images)
        return logits

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self._step("train", batch)["loss"]

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Any:
        return self._step("val", batch)

    def test_step(self, batch: Any, batch_idx: int) -> Any:
        return self._step("test", batch)

    def predict_step(self, batch: Any, batch_idx: int) -> dict[str, Tensor]:
        return {"digits": self(batch[0]).argmax(dim=1)}

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=self.lr)

    def _step(self, stage: str, batch: Any) -> dict[str, Tensor]:
        images, targets = batch
        logits = self(images)
        metrics = {"loss": F.cross_entropy(logits, targets)}
        metrics["accuracy"] = (logits.argmax(dim=1) == targets).float().mean()
        named = {f"{stage}/{name}": metric.detach() for name, metric in metrics.items()}
        self.log_dict(named, on_step=False, on_epoch=True, batch_size=len(targets))
        return {"loss": metrics["loss"], "logits": logits}


@dataclass(frozen=True)
class Side:
    """What a row uses: modules and data, made anew at each call, and a folder of its own.

    ``net`` and ``folder`` give our side a network and files of the user's own.
    """

    ours: bool
    images: Path
    net: bool = False
    folder: bool = False

    def module(self, lr: float = LR) -> Any:
        """A new module; both sides begin with the same weights."""
        torch.manual_seed(0)
        ours = MNISTClassifier(conv_channels=(4, 4), hidden_dims=(16,), lr=lr)
        if self.ours and not self.net:
            return ours
        stock = StockModule(lr)
        stock.net.load_state_dict(ours.net.state_dict())
        return MNISTClassifier(lr=lr, net=stock.net) if self.ours else stock

    def load(self, file: Path) -> Any:
        """Open a checkpoint of such a module."""
        net = {"net": StockNet()} if self.ours and self.net else {}
        return type(self.module()).load_from_checkpoint(file, **net)

    def data(self, **options: Any) -> Any:
        if self.ours and self.folder:
            dataset = own_folder(self.images, Path("own"))
            options = {"dataset": dataset, "source": "mnist", **options}
        return (our_data if self.ours else StockData)(self.images, **options)

    def ready(self) -> Any:
        """Data that were set up without a trainer, for plain loops."""
        data = self.data()
        data.prepare_data()
        data.setup("fit")
        return data

    def trainer(self, **options: Any) -> Trainer:
        return Trainer(**{**QUIET, "max_epochs": 2, **options})
