"""The original's flow as functions, on generated digits."""

import logging
import signal
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning import LightningModule
from PIL import Image
from sklearn.metrics import log_loss

from mnist_lightning import (
    MNISTClassifier,
    MNISTDataModule,
    evaluate,
    fit,
    plot_curves,
    plot_predictions,
    predict_images,
    summary,
)
from mnist_lightning.report.workflow import Evaluation


def digits(folder: Path) -> MNISTDataModule:
    return MNISTDataModule(str(folder), source="synthetic", synthetic_size=(96, 70))


def tiny(kind: type[MNISTClassifier] = MNISTClassifier) -> MNISTClassifier:
    torch.manual_seed(0)
    return kind(conv_channels=(2, 2), hidden_dims=(8,))


def known() -> Evaluation:
    """Twenty images of one brightness each, its number; every other one is classified correctly."""
    images = np.arange(20.0)[:, None, None] * np.ones((28, 28))
    labels = np.arange(20) % 2
    probabilities = np.tile([0.9, 0.1], (20, 1))
    predictions = np.zeros(20, int)
    return Evaluation(0.5, 1.0, 10, 10, images, labels, predictions, probabilities, ("Coat", "Bag"))


def test_the_whole_flow(
    images: Path,
    workdir: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, data = tiny(), digits(images)
    adverts: list[logging.LogRecord] = []
    logger, handler = logging.getLogger("lightning.pytorch"), logging.Handler()
    monkeypatch.setattr(handler, "emit", adverts.append)
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.INFO)
    summary(model)
    history = fit(model, data, epochs=2)
    result = evaluate(model, data)
    assert [*history] == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
    assert history["epoch"] == [1, 2]
    assert history["val_accuracy"][-1] == pytest.approx(result.accuracy)
    np.testing.assert_array_equal(result.labels, data.test.labels)
    np.testing.assert_array_equal(result.images, data.test.images[:, 0] / 255)
    np.testing.assert_array_equal(result.predictions, result.probabilities.argmax(axis=1))
    assert result.accuracy == pytest.approx((result.predictions == result.labels).mean())
    assert (result.right, result.right + result.wrong) == (round(result.accuracy * 70), 70)
    loss = log_loss(result.labels, result.probabilities, labels=range(10))
    assert (result.loss, history["val_loss"][-1]) == pytest.approx((loss, loss), rel=1e-4)
    printed, notes = capfd.readouterr()
    assert [line.split()[0] for line in printed.splitlines() if "net.head" in line] == ["net.head"]
    assert "SYNTHETIC" in printed
    assert not notes
    assert not adverts
    assert not list(workdir.iterdir())


def test_fit_goes_on_with_the_weights_and_the_network_can_be_kept(
    images: Path, workdir: Path
) -> None:
    model, data = tiny(), digits(images)
    first = fit(model, data, epochs=2)
    assert fit(model, data, epochs=1)["loss"][0] < first["loss"][0]
    model.trainer.save_checkpoint("it.ckpt", weights_only=True)
    (prediction,) = predict_images(np.pad(np.zeros((20, 4)), 8, constant_values=1.0), "it.ckpt")
    assert prediction.digit in range(10)


def test_pictures_are_the_first_right_and_the_first_wrong_and_show_themselves() -> None:
    figure = plot_predictions(known())
    shown = [[np.asarray(image.get_array()).mean() for image in ax.images] for ax in figure.axes]
    assert shown == [[*range(0, 18, 2)], [*range(1, 19, 2)]]
    assert [len(ax.images) for ax in plot_predictions(known(), count=2).axes] == [2, 2]
    words = {text.get_text() for ax in figure.axes for text in ax.texts}
    assert any("Coat" in each and "Bag" in each for each in words)
    for drawn in (figure, plot_curves({"epoch": [1, 2], "loss": [2, 1], "accuracy": [0, 1]})):
        png = drawn._repr_png_()  # type: ignore[attr-defined]
        assert Image.open(BytesIO(png)).format == "PNG"


def test_pictures_have_the_names_of_the_classes(images: Path, workdir: Path) -> None:
    class Letters(MNISTDataModule):
        classes = tuple("ABCDEFGHIJ")

    result = evaluate(tiny(), Letters(str(images), "synthetic", synthetic_size=(96, 70)))
    assert result.classes == Letters.classes
    figure = plot_predictions(result, count=1)
    is_right = result.labels == result.predictions
    for ax, i in zip(figure.axes, (is_right.argmax(), is_right.argmin()), strict=True):
        for number in (result.labels[i], result.predictions[i]):
            assert Letters.classes[number] in ax.texts[0].get_text()  # the words are small


def test_ctrl_c_does_not_end_the_process_and_works_again(images: Path, workdir: Path) -> None:
    class Stopped(MNISTClassifier):
        def training_step(self, *_: Any) -> Any:
            signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a notebook, whoever ran before
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fit(tiny(Stopped), digits(images))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_cannot_be_done_is_said(images: Path, workdir: Path) -> None:
    class Silent(LightningModule):
        def test_step(self, *_: Any) -> None:
            pass

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images

    with pytest.raises(ValueError, match="epochs is 0: must be an integer of at least 1"):
        fit(tiny(), digits(images), epochs=0)
    with pytest.raises(
        ValueError, match="model is a Linear: must be a LightningModule, such as MN"
    ):
        fit(torch.nn.Linear(1, 1), digits(images))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="data is a tuple: must be a LightningDataModule"):
        evaluate(tiny(), (1, 2))  # type: ignore[arg-type]
    with pytest.warns(match="left out"), pytest.raises(ValueError, match="no logits"):
        evaluate(Silent(), digits(images))
