"""The weights that come with the package."""

import shutil
from pathlib import Path

import pytest
import torch
from conftest import SHARED_MNIST, mnist_digits

from mnist_lightning import ConvNet
from mnist_lightning.errors import CheckpointError
from mnist_lightning.handwriting.rejection import Rejection
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
    files = pretrained.FILE, pretrained.REJECTION
    assert sum(file.stat().st_size for file in files) <= 4_500_000
    card, text = pretrained.read_card(), pretrained.FILE.with_name("MODEL_CARD.md").read_text()
    for name in ("sha256", "rejection_sha256", "command", "seed"):
        assert str(card[name]) in text
    assert f"{card['right']:,} of 10,000" in text
    assert card["accuracy"] == card["right"] / 10_000


@pytest.mark.parametrize("damage", [None, b"x"])
@pytest.mark.parametrize("name", ["FILE", "REJECTION"])
def test_another_file_is_refused(
    name: str, damage: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = getattr(pretrained, name)
    path = tmp_path / released.name
    if damage:
        shutil.copy(released, path)
        with path.open("ab") as file:
            file.write(damage)
    monkeypatch.setattr(pretrained, name, path)
    with pytest.raises(CheckpointError, match=f"{released.name}.* install mnist_lightning again"):
        Rejection.from_pretrained()
