"""Pictures as a data set: samples, remarks, and the loader of the data module."""

from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw
from torch.utils.data import DataLoader, DistributedSampler

from mnist_lightning import MNISTDataModule
from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.pictures.picture_dataset import PictureDataset

STANDARD = Scaling(0.1307, 0.3081)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A picture that is none, one without a digit, and one of a 7."""
    (tmp_path / "a.png").write_text("no picture")
    sheet = Image.new("L", (200, 200), "white")
    sheet.save(tmp_path / "b.bmp")
    ImageDraw.Draw(sheet).line([(60, 50), (130, 50), (80, 150)], fill="black", width=9)
    sheet.save(tmp_path / "c.PNG")
    return tmp_path


def test_samples_and_remarks(folder: Path) -> None:
    pictures = PictureDataset(sorted(folder.iterdir()), STANDARD)
    assert (len(pictures), pictures.remarks) == (3, ["", "", ""])
    images, indices = next(iter(DataLoader(pictures, batch_size=3)))
    assert (images.shape, images.dtype, indices.tolist()) == (
        (3, 1, 28, 28),
        torch.float32,
        [0, 1, 2],
    )
    assert pictures.remarks == ["no PNG, JPEG or BMP", "no digit", ""]
    *none, digit = pictures.digits
    assert none == [None, None]
    assert digit is not None
    assert images[2, 0].numpy() == pytest.approx((digit / 255 - 0.1307) / 0.3081, abs=1e-5)
    assert images[:2].unique().tolist() == pytest.approx([-0.1307 / 0.3081])


def test_every_process_gets_all_pictures(folder: Path) -> None:
    data = MNISTDataModule(predict_path=str(folder), normalize="standard")
    data.setup("predict")
    loader = data.predict_dataloader()
    assert isinstance(loader.sampler, DistributedSampler), "Lightning puts in no other"
    assert [index.tolist() for _, index in loader] == [[0], [1], [2]]
