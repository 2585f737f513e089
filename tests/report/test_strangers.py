"""What only shows, in a trainer and on modules of somebody else's."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from mnist_lightning.handwriting.prediction_writer import PredictionWriter
from mnist_lightning.report.collector import PredictionCollector
from mnist_lightning.report.history import History
from mnist_lightning.report.layer_table import LayerTable
from mnist_lightning.report.report import Report
from mnist_lightning.report.tensorboard import Board

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not have many workers",
    "ignore:.*batch indices",
    "ignore:.*fit will run with no optimizer",
)
IMAGES, LABELS = torch.randn(6, 3, 5, 5), torch.arange(6) % 4


class Stranger(LightningModule):
    """A module whose batches are what a function makes of images and labels."""

    def __init__(self, outputs: int = 4) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(75, outputs), nn.Dropout())

    def forward(self, images: Tensor) -> Any:
        """Compute the outputs."""
        return self.body(images)

    def training_step(self, batch: Any) -> Tensor:
        """Return any loss."""
        images = batch["image"] if isinstance(batch, dict) else batch[0]
        loss: Tensor = self.body(images).square().mean()
        return loss

    def validation_step(self, batch: Any) -> None:
        """Return nothing."""

    test_step = validation_step

    def predict_step(self, batch: Any) -> Any:
        """Return anything."""
        return "anything"

    def configure_optimizers(self) -> Any:
        """Return two, for a module that optimizes by hand."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Forwardless(Stranger):
    """It cannot be asked again, and fails on its example."""

    forward = LightningModule.forward

    def __init__(self) -> None:
        super().__init__()
        self.example_input_array = IMAGES[:1]


class Pair(Stranger):
    """Its output is a tuple."""

    def forward(self, images: Tensor) -> Any:
        """Compute the outputs, and give back the images."""
        return self.body(images), images


class Manual(Stranger):
    """It has two optimizers, and steps by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def configure_optimizers(self) -> Any:
        """Return two."""
        return [torch.optim.SGD(self.parameters(), lr=rate) for rate in (0.1, 0.2)]


class Idle(Stranger):
    """It has no optimizer."""

    def configure_optimizers(self) -> None:
        """Return none."""


class Stream(IterableDataset[Any]):
    """Pairs, without a length."""

    def __init__(self, samples: list[Any]) -> None:
        self.samples = samples

    def __iter__(self) -> Any:
        """Go through them."""
        return iter(self.samples)


def pairs(labels: Any) -> DataLoader[Any]:
    return DataLoader(Stream(list(zip(IMAGES, labels, strict=True))), batch_size=4)


def by_name() -> DataLoader[Any]:
    samples = [{"image": a, "label": b} for a, b in zip(IMAGES, LABELS, strict=True)]
    return DataLoader(Stream(samples), batch_size=4)


COLLECTED = [
    (Stranger, lambda: pairs(LABELS)),
    (Stranger, lambda: pairs(LABELS.to(torch.uint8))),
    (Manual, lambda: pairs(LABELS)),
    (Idle, lambda: pairs(LABELS)),
]
LEFT_OUT = [
    (Stranger, by_name),
    (Forwardless, lambda: pairs(LABELS)),
    (Pair, lambda: pairs(LABELS)),
    (lambda: Stranger(1), lambda: pairs(torch.randn(6))),
    (Stranger, lambda: pairs(torch.where(LABELS == 1, -100, LABELS))),
    # a batch that fails after one that does not
    (Stranger, lambda: pairs([*LABELS[:4], *LABELS[:2] + 4])),
]


@pytest.mark.parametrize(
    ("module", "loader", "collected"),
    [(*each, True) for each in COLLECTED] + [(*each, False) for each in LEFT_OUT],
)
def test_all_but_what_cannot_be_shown_goes_on(
    tmp_path: Path,
    module: Callable[[], LightningModule],
    loader: Callable[[], DataLoader[Any]],
    collected: bool,
) -> None:
    callbacks = [LayerTable(), History(), Board(), Report(figures=False), PredictionWriter()]
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=2,
        default_root_dir=tmp_path,
        logger=False,
        callbacks=callbacks,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    net = module()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.fit(net, loader(), loader())
        assert all(each.training for each in net.modules()), "a failed look changes no mode"
        trainer.predict(net, loader())
    assert trainer.current_epoch == 2
    run = tmp_path / "runs" / "version_0"
    assert len((run / "history.csv").read_text().splitlines()) == 3
    assert (run / "summary.json").is_file()
    found = PredictionCollector.attach(trainer).predictions
    assert (found is not None) == collected
    if found:
        assert found.labels.tolist() == LABELS.tolist()
    messages = [str(each.message) for each in caught if "left out" in str(each.message)]
    assert len(messages) == len(set(messages)), "each is warned of once"
    assert sum("PredictionCollector" in each for each in messages) == (not collected)
    assert sum("PredictionWriter" in each for each in messages) == 1
    assert not list(tmp_path.glob("**/predictions.csv"))


def test_errors_of_files_are_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_lightning.report.history.run_folder", lambda _: tmp_path / "a" / "b")
    (tmp_path / "a").touch()
    history, trainer = History(), Trainer(accelerator="cpu", barebones=True)
    history.rows = [{"epoch": 1, "seconds": 1.0}]
    with pytest.raises(NotADirectoryError):
        history.on_fit_start(trainer)
