"""The worst mistakes."""

from pathlib import Path

import numpy as np
import torch
from lightning import LightningModule, Trainer
from sklearn.metrics import log_loss
from torch import Tensor

from mnist_lightning.data.batches import in_order
from mnist_lightning.report.evaluation import Evaluation
from mnist_lightning.report.worst import Worst


def test_highest_loss_first() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, 10, generator=generator)
    labels, images = torch.arange(50) % 10, torch.arange(50.0).reshape(50, 1, 1, 1)
    worst = Worst(12)
    for part in torch.split(torch.arange(50), 7):
        worst.update(images[part], labels[part], logits[part])
    mistakes = worst.gather()
    assert mistakes is not None
    probabilities = logits.double().softmax(1).numpy()
    digits = probabilities.argmax(1)
    losses = [log_loss(labels[[i]], probabilities[[i]], labels=range(10)) for i in range(50)]
    wrong = [i for i in np.argsort(losses)[::-1] if digits[i] != labels[i]][:12]
    assert mistakes.images[:, 0, 0].tolist() == wrong
    assert mistakes.labels.tolist() == labels[wrong].tolist()
    assert mistakes.digits.tolist() == digits[wrong].tolist()
    np.testing.assert_allclose(mistakes.probabilities, probabilities[wrong].max(1), atol=1e-6)


def test_no_batches_no_mistakes() -> None:
    assert Worst(3).gather() is None


class Knowing(LightningModule):
    """A module of another kind, always right: its logits are the first ten pixels."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :10]

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Return nothing."""


def test_a_foreign_module_without_mistakes(tmp_path: Path) -> None:
    labels = torch.arange(6) % 3
    images = torch.zeros(6, 1, 28, 28)
    images.flatten(1)[torch.arange(6), labels] = 5
    trainer = Trainer(
        accelerator="cpu",
        logger=False,
        default_root_dir=tmp_path,
        callbacks=[Evaluation()],
        enable_progress_bar=False,
    )
    trainer.test(Knowing(), in_order(images, labels, 4), verbose=False)
    names = {path.stem for path in (tmp_path / "test").iterdir()}
    assert names == {"metrics", "confusion_matrix", "mistakes", "attention", "reliability"}
