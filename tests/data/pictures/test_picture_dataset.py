"""Pictures as a data set: samples, remarks and labels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch.utils.data import DistributedSampler

from mnist_lightning import MNISTDataModule
from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.pictures.picture_dataset import PictureDataset


def test_samples_and_remarks_of_every_process(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    sheet = Image.new("L", (200, 200), "white")
    sheet.save(tmp_path / "b.bmp")
    ImageDraw.Draw(sheet).line([(60, 50), (130, 50), (80, 150)], fill="black", width=9)
    sheet.save(tmp_path / "c.PNG")
    data = MNISTDataModule(predict_path=str(tmp_path), normalize="standard")
    data.setup("predict")
    loader, pictures = data.predict_dataloader(), data.pictures
    assert isinstance(loader.sampler, DistributedSampler), "Lightning puts in no other"
    images, indices = map(torch.cat, zip(*loader, strict=True))
    assert (images.dtype, indices.tolist()) == (torch.float32, [0, 1, 2])
    assert pictures
    assert pictures.remarks == ["no PNG, JPEG, BMP, GIF, WebP, TIFF or HEIC", "no digit", ""]
    assert pictures.digits[:2] == [None, None]
    pixels = np.zeros((3, 1, 28, 28))
    pixels[2] = pictures.digits[2]
    assert images.numpy() == pytest.approx((pixels / 255 - 0.1307) / 0.3081, abs=1e-5)


def test_each_page_is_a_picture_of_its_own(tmp_path: Path) -> None:
    white, black = (Image.new("L", (40, 40), tone) for tone in (255, 0))
    scan, other = tmp_path / "scan.tiff", tmp_path / "a.png"
    white.save(scan, save_all=True, append_images=[black])
    black.save(other)
    held = {Path("<image 0>"): scan.read_bytes()}
    pictures = PictureDataset([scan, other, *held], Scaling(), held, labels=["7", "", "3"])
    names = [
        "scan.tiff page 1",
        "scan.tiff page 2",
        "a.png",
        "<image 0> page 1",
        "<image 0> page 2",
    ]
    assert [file.name for file in pictures.files] == names
    assert pictures.labels == ["7", "7", "", "3", "3"]
    assert [pictures.read(i).mean() for i in range(5)] == [1, 0, 0, 1, 0]
