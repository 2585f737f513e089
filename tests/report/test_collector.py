"""What is collected of a pass, against scikit-learn and by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer
from sklearn.metrics import log_loss
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from mnist_lightning.report.collector import PredictionCollector
from mnist_lightning.report.report import Report
from mnist_lightning.report.tensorboard import Board


def test_first_of_each_kind_and_mistakes_by_loss() -> None:
    logits = torch.randn(300, 10, generator=torch.Generator().manual_seed(0))
    labels, images = torch.arange(300) % 10, torch.arange(300.0).reshape(-1, 1, 1, 1)
    labels[::2] = logits[::2].argmax(dim=1)
    collector = PredictionCollector()
    collector.keep_first = 20
    for batch in zip(*(torch.split(each, 7) for each in (images, labels, logits)), strict=True):
        collector.update(*batch)
    collected = collector.gather()
    assert collected
    probabilities = logits.double().softmax(1).numpy()
    predictions = probabilities.argmax(1)
    right = predictions == labels.numpy()
    assert (collected.scores.right, collected.scores.count) == (right.sum(), 300)
    first = [*np.flatnonzero(right)[:9], *np.flatnonzero(~right)[:9]]
    losses = [log_loss(labels[[i]], probabilities[[i]], labels=range(10)) for i in range(300)]
    worst = [i for i in np.argsort(losses)[::-1] if not right[i]][:36]
    for samples, expected in ((collected.shown, first), (collected.mistakes, worst)):
        shown, true, predicted, given = samples.arrays(range(10))
        assert shown.flatten().tolist() == expected
        assert true.tolist() == labels[expected].tolist()
        assert predicted.tolist() == predictions[expected].tolist()
        np.testing.assert_allclose(given, np.array(losses)[expected], rtol=1e-5)
    assert collected.first_images.flatten().tolist() == list(range(20))


class Knowing(LightningModule):
    """A module of another kind, always right: its logits are the first ten pixels."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :10]

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Return nothing."""

    validation_step = test_step


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_a_foreign_module_is_asked_again_and_passes_are_kept_apart(tmp_path: Path) -> None:
    labels, images = torch.arange(6) % 3, torch.zeros(6, 1, 28, 28)
    images.flatten(1)[torch.arange(6), labels] = 5
    quiet = {"logger": False, "enable_progress_bar": False, "default_root_dir": tmp_path}
    trainer = Trainer(accelerator="cpu", callbacks=[Report(), Board()], **quiet)  # type: ignore[arg-type]
    collector = PredictionCollector.attach(trainer)
    assert collector.predictions is None
    for run, count in ((trainer.validate, 5), (trainer.test, 6)):
        loader = DataLoader(TensorDataset(images[:count], labels[:count]), batch_size=4)
        run(Knowing(), loader, verbose=False)
        assert (collected := collector.predictions)
        assert (collected.scores.right, collected.scores.count) == (count, count)
    names = {path.stem for path in (tmp_path / "test").iterdir()}
    assert names == {"metrics", "confusion_matrix", "mistakes", "saliency", "reliability"}
    assert not (tmp_path / "report.html").exists(), "there is no page of training to add it to"
