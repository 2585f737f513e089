"""Contenders of the benchmark that train with PyTorch; ``python torch_contenders.py NAME ...``."""

import argparse
import itertools
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from pace import Pace
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

from mnist_lightning import ConvNet, MNISTDataModule
from mnist_lightning.__main__ import main as our_program
from mnist_lightning.cli.allocator import keep_freed_memory
from mnist_lightning.models.keras_adam import KerasAdam

BATCH_SIZE = 32
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
LOADER_STEPS = 50  # batches for each training step of a turn: they are that much quicker


def wait() -> None:
    """Wait until a GPU has done all that it was given."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


class Ticks(Callback):
    """Tell a pace of the training steps.

    Args:
        steps: Training steps of one turn, at least.
    """

    def __init__(self, steps: int) -> None:
        self.pace = Pace(steps, wait)

    def on_train_batch_end(self, *_: Any) -> None:
        """Count a step."""
        self.pace.tick()


def textbook_network(hidden_dims: list[int]) -> nn.Sequential:
    """The network as a tutorial writes it."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in ((1, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(fan_in, fan_out, 3), nn.ReLU()]
    layers += [nn.MaxPool2d(2), nn.Flatten()]
    widths = [7744, *hidden_dims]
    for width, next_width in itertools.pairwise(widths):
        layers += [nn.Linear(width, next_width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 10)).to(DEVICE)


def textbook_loader(data_dir: str) -> DataLoader[Any]:
    """Images one by one through PIL and ToTensor."""
    data = MNIST(data_dir, train=True, transform=ToTensor())
    return DataLoader(data, batch_size=BATCH_SIZE, shuffle=True)


class TextbookModule(LightningModule):
    """The network as a Lightning tutorial writes it, with its loss logged each step."""

    def __init__(self, hidden_dims: list[int]) -> None:
        super().__init__()
        self.net = textbook_network(hidden_dims)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Loss and accuracy of the batch, in the bar and in the log."""
        images, targets = batch
        logits = self.net(images)
        loss = F.cross_entropy(logits, targets)
        accuracy = (logits.argmax(1) == targets).float().mean()
        self.log("train_loss", loss, prog_bar=True)
        self.log("train_accuracy", accuracy, prog_bar=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam with torch's defaults."""
        return torch.optim.Adam(self.parameters())


def our_batches(data_dir: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Our data module's batches, epoch after epoch."""
    data = MNISTDataModule(data_dir)
    data.setup("fit")
    loader = data.train_dataloader()
    for _ in itertools.count():
        yield from loader


def resident_batches(data_dir: str) -> Iterator[tuple[Tensor, Tensor]]:
    """All images on the device as floats, indexed by a random order: what a GPU's owner writes."""
    data = MNIST(data_dir, train=True)
    images, targets = data.data[:, None].to(DEVICE) / 255, data.targets.to(DEVICE)
    for _ in itertools.count():
        for index in torch.split(torch.randperm(len(images), device=DEVICE), BATCH_SIZE):
            yield images[index], targets[index]


def train(net: nn.Module, adam: torch.optim.Optimizer, batches: Iterable[Any], pace: Pace) -> None:
    """A loop and nothing else."""
    while True:
        for images, targets in batches:
            loss = F.cross_entropy(net(images.to(DEVICE)), targets.to(DEVICE))
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            pace.tick()


def our_fit(hidden_dims: list[int], data_dir: str, steps: int) -> None:
    """Our ``fit`` as users run it: logger, bar, checkpoint and figures on."""
    ticks = ["--trainer.callbacks+", "torch_contenders.Ticks", "--trainer.callbacks.steps", steps]
    data = ["--data.source", "mnist", "--data.data_dir", data_dir]
    where = ["--trainer.logger.save_dir", tempfile.mkdtemp()]
    model = ["--model.hidden_dims", json.dumps(hidden_dims)]
    our_program(["fit", *model, *data, *where, *map(str, ticks)])


def our_loop(hidden_dims: list[int], data_dir: str, steps: int) -> None:
    """The same network, optimiser and batches without Lightning."""
    keep_freed_memory()
    if DEVICE.type == "cuda":
        torch.set_float32_matmul_precision("high")  # as the program does
    net = ConvNet(hidden_dims=hidden_dims).to(DEVICE)
    train(net, KerasAdam(net.parameters()), our_batches(data_dir), Pace(steps, wait))


def torch_textbook(hidden_dims: list[int], data_dir: str, steps: int) -> None:
    """The loop of a tutorial, torchvision's data set and torch's Adam."""
    net = textbook_network(hidden_dims)
    train(net, torch.optim.Adam(net.parameters()), textbook_loader(data_dir), Pace(steps, wait))


def torch_resident(hidden_dims: list[int], data_dir: str, steps: int) -> None:
    """The loop of a tutorial, with all data on the device."""
    net = textbook_network(hidden_dims)
    train(net, torch.optim.Adam(net.parameters()), resident_batches(data_dir), Pace(steps, wait))


def lightning_textbook(hidden_dims: list[int], data_dir: str, steps: int) -> None:
    """The Lightning tutorial, with its default logger and bar."""
    trainer = Trainer(max_epochs=5, callbacks=[Ticks(steps)], default_root_dir=tempfile.mkdtemp())
    trainer.fit(TextbookModule(hidden_dims), textbook_loader(data_dir))


def our_data(hidden_dims: list[int], data_dir: str, steps: int) -> None:
    """Our batches alone."""
    pace = Pace(steps * LOADER_STEPS, wait)
    for _ in our_batches(data_dir):
        pace.tick()


def torchvision_data(hidden_dims: list[int], data_dir: str, steps: int) -> None:
    """The textbook's batches alone."""
    pace = Pace(steps * LOADER_STEPS, wait)
    loader = textbook_loader(data_dir)
    while True:
        for _ in loader:
            pace.tick()


def matrix_product(hidden_dims: list[int], data_dir: str, steps: int) -> None:
    """Products of two 2048 x 2048 float32 matrices: what the machine can do."""
    pace, a = Pace(steps, wait), torch.rand(2048, 2048, device=DEVICE)
    while True:
        torch.mm(a, a)
        pace.tick()


CONTENDERS: dict[str, Callable[[list[int], str, int], None]] = {
    "ours: fit": our_fit,
    "ours: bare loop": our_loop,
    "textbook PyTorch": torch_textbook,
    "PyTorch, data resident": torch_resident,
    "textbook Lightning": lightning_textbook,
    "loader: ours": our_data,
    "loader: torchvision": torchvision_data,
    "matrix product": matrix_product,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("--hidden_dims", type=json.loads, default=[128])
    parser.add_argument("--data_dir", default="data")
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    CONTENDERS[given.name](given.hidden_dims, given.data_dir, given.steps)
