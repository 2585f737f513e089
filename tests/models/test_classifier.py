"""The LightningModule against NumPy and scikit-learn."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from keras_original import keras
from lightning import Callback, Trainer
from lightning.fabric.utilities.exceptions import MisconfigurationException
from runs import quiet
from sklearn.metrics import accuracy_score, log_loss
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

from mnist_lightning import MNISTClassifier, MNISTDataModule

IMAGES = torch.rand(25, 1, 28, 28, generator=torch.Generator().manual_seed(0))
# unequal classes and a ragged last batch: macro accuracy or a mean of batch means would differ
TARGETS = torch.tensor([0] * 15 + [1] * 5 + [2, 3, 4, 5, 9])
BATCHES = DataLoader(TensorDataset(IMAGES, TARGETS), 10)

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


def small() -> MNISTClassifier:
    torch.manual_seed(0)
    return MNISTClassifier([2], [8])


@pytest.mark.parametrize("stage", ["val", "test"])
def test_evaluation_is_the_mean_over_all_images(tmp_path: Path, stage: str) -> None:
    model, trainer = small(), quiet(tmp_path)
    run = {"val": trainer.validate, "test": trainer.test}[stage]
    (logged,) = run(model, BATCHES, verbose=False)
    with torch.no_grad():
        logits = model(IMAGES).double().numpy()
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert logged[f"{stage}/accuracy"] == pytest.approx(accuracy_score(TARGETS, logits.argmax(1)))
    expected = log_loss(TARGETS, probabilities, labels=range(10))
    assert logged[f"{stage}/loss"] == pytest.approx(expected, rel=1e-5)


def test_the_bar_of_any_trainer_shows_the_epoch_so_far(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_lightning.models.classifier.SHOWN_EVERY", 1)
    still = partial(SGD, lr=0.0)  # so that all batches are those of one network
    model, trainer = MNISTClassifier([2], [8], optimizer=still), quiet(tmp_path, max_epochs=1)
    trainer.fit(model, BATCHES, BATCHES)
    with torch.no_grad():
        probabilities = model(IMAGES).double().softmax(1).numpy()
    loss = log_loss(TARGETS, probabilities, labels=range(10))
    accuracy = accuracy_score(TARGETS, probabilities.argmax(1))
    shown = {"loss": loss, "acc": accuracy, "val/loss": loss, "val/accuracy": accuracy}
    assert trainer.progress_bar_metrics == pytest.approx(shown, rel=1e-5)
    assert not {"loss", "acc"} & trainer.callback_metrics.keys(), "these names are free"


def test_label_smoothing_is_kerass_and_of_training_alone() -> None:
    theirs = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model, logged = MNISTClassifier([2], [8], label_smoothing=0.1), []
    model.log = lambda *_, **__: logged.append(1)  # type: ignore[method-assign]
    with torch.no_grad():
        logits = model(IMAGES)
        smoothed = model.training_step((IMAGES, TARGETS), 0)
        plain = model.eval().validation_step((IMAGES, TARGETS), 0)["loss"]
    torch.testing.assert_close(smoothed, theirs(torch.eye(10)[TARGETS], logits))
    torch.testing.assert_close(plain, -logits.log_softmax(1)[range(25), TARGETS].mean())


class Rates(Callback):
    """Keeps the learning rate of each step."""

    def __init__(self) -> None:
        self.rates: list[float] = []

    def on_before_optimizer_step(self, trainer: Trainer, *_: object) -> None:
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])


@pytest.mark.parametrize("schedule", ["constant", "one_cycle"])
def test_learning_rate_of_each_step(tmp_path: Path, schedule: Any) -> None:
    rates = Rates()
    torch.manual_seed(0)
    model = MNISTClassifier([2], [8], lr=0.01, schedule=schedule)
    quiet(tmp_path, max_epochs=4, callbacks=[rates]).fit(model, BATCHES, BATCHES)  # 12 steps
    if schedule == "constant":
        assert rates.rates == [0.01] * 12
        return
    turn = 0.3 * 12 - 1  # the step of the highest rate
    steps = np.arange(12)
    rise = 0.01 / 25 + (0.01 - 0.01 / 25) * (1 - np.cos(np.pi * steps / turn)) / 2
    end = 0.01 / 250_000
    fall = end + (0.01 - end) * (1 + np.cos(np.pi * (steps - turn) / (11 - turn))) / 2
    assert rates.rates == pytest.approx(np.where(steps <= turn, rise, fall), rel=1e-9)


def test_one_cycle_needs_an_end(tmp_path: Path) -> None:
    with pytest.raises(MisconfigurationException, match=r"trainer.max_epochs"):
        quiet(tmp_path, max_epochs=-1).fit(MNISTClassifier(schedule="one_cycle"), BATCHES, BATCHES)


def test_validates_and_tests_before_it_trains(tmp_path: Path) -> None:
    model, trainer = small(), quiet(tmp_path, max_epochs=1)
    (validated,) = trainer.validate(model, BATCHES, verbose=False)
    (tested,) = trainer.test(model, BATCHES, verbose=False)
    assert validated["val/loss"] == tested["test/loss"]
    trainer.fit(model, BATCHES, BATCHES)
    (logged,) = trainer.validate(model, BATCHES, verbose=False)
    assert logged["val/loss"] == trainer.callback_metrics["val/loss"].item()
    assert logged["val/loss"] < validated["val/loss"]


def test_labels_beyond_the_classes_are_refused(images: Path, tmp_path: Path) -> None:
    model = MNISTClassifier((2,), (4,), num_classes=5)
    data = MNISTDataModule(str(images), source="synthetic", synthetic_size=(64, 40))
    trainer = quiet(tmp_path, max_epochs=1)
    message = "num_classes is 5: must be at least 10, as the labels of synthetic digits are 0 to 9"
    with pytest.raises(ValueError, match=message):
        trainer.fit(model, data)
    assert trainer.global_step == 0
    trainer.predict(model, data)  # which looks at no label
    late = TensorDataset(torch.zeros(3, 1, 28, 28), torch.tensor([4, 0, 5]))
    with pytest.raises(ValueError, match="is 5: labels must be 0 to 4; these are 5 to 5"):
        quiet(tmp_path).validate(model, DataLoader(late, batch_size=2))


def test_predicts_digits_and_probabilities() -> None:
    model = small()
    predicted = model.predict_step((IMAGES, TARGETS))
    assert torch.equal(predicted["digits"], model(IMAGES).argmax(1))
    torch.testing.assert_close(predicted["probabilities"].sum(1), torch.ones(25))
    assert torch.equal(model.predict_step(IMAGES)["digits"], predicted["digits"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("lr", lr) for lr in (0.0, -1.0, float("nan"), float("inf"), "0.1", None)),
        *(("schedule", word) for word in ("cosine", "", None)),
        *(("dropout", dropout) for dropout in (-0.1, 1.0, float("nan"))),
        *(("conv_channels", sizes) for sizes in ((0,), (), (1,) * 14)),
        *(("hidden_dims", sizes) for sizes in ((-3,), ())),
        ("num_classes", 1),
    ],
)
def test_refuses_values_that_cannot_be(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{option} is .*must be"):
        MNISTClassifier(**{option: value})
