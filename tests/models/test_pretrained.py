"""The weights that come with the package."""

import shutil
from pathlib import Path

import pytest
import torch
from conftest import SHARED_MNIST, mnist_digits

from mnist_lightning import ConvNet
from mnist_lightning.errors import CheckpointError
from mnist_lightning.models import pretrained


@pytest.mark.skipif(not SHARED_MNIST.exists(), reason="needs MNIST")
def test_they_read_mnist() -> None:
    images, labels = mnist_digits(500)
    with torch.inference_mode():
        found = ConvNet.from_pretrained()(torch.tensor(images / 255.0)[:, None].float()).argmax(
            dim=1
        )
    assert (found.numpy() == labels).mean() >= 0.99


def test_the_card_and_the_file_are_of_the_size_promised() -> None:
    assert pretrained.FILE.stat().st_size <= 4_500_000
    card, text = pretrained.read_card(), pretrained.FILE.with_name("MODEL_CARD.md").read_text()
    for name in ("sha256", "command", "seed"):
        assert str(card[name]) in text
    assert f"{card['right']:,} of 10,000" in text
    assert card["accuracy"] == card["right"] / 10_000


@pytest.mark.parametrize("damage", [None, b"x"])
def test_another_file_is_refused(
    damage: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mnist.safetensors"
    if damage:
        shutil.copy(pretrained.FILE, path)
        with path.open("ab") as file:
            file.write(damage)
    monkeypatch.setattr(pretrained, "FILE", path)
    with pytest.raises(CheckpointError, match="install mnist_lightning again"):
        ConvNet.from_pretrained()
