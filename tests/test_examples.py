"""The examples learn something."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from conftest import NO_FIGURES

from mnist_lightning import MNISTDataModule
from mnist_lightning.__main__ import main

EXAMPLES = Path(__file__).parents[1] / "examples"
SIZE = (2000, 200)


def load(name: str) -> Any:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]


def digits() -> MNISTDataModule:
    return MNISTDataModule(source="synthetic", synthetic_size=SIZE)


# what Lightning and torch say of a plain DataLoader and of a short run on CPU
@pytest.mark.filterwarnings("ignore:.*pin_memory.*")
@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
@pytest.mark.filterwarnings("ignore:.*smaller than the logging interval.*")
def test_classifier_with_foreign_data(workdir: Path) -> None:
    assert load("foreign_data")() > 0.9


def test_data_with_foreign_model(workdir: Path) -> None:
    assert load("foreign_model")(digits()) > 0.4


def test_frozen_features(workdir: Path) -> None:
    sizes = ["--data.source", "synthetic", "--data.synthetic_size", str(list(SIZE))]
    small = ["--model.conv_channels", "[4, 8]", "--trainer.max_epochs", "1"]
    main(["fit", *sizes, *small, *NO_FIGURES])
    checkpoint = "logs/synthetic/version_0/checkpoints/last.ckpt"
    assert load("feature_extractor")(checkpoint, digits()) > 0.65
