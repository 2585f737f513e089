"""Pictures as a data set: kinds of files, colours, damage; samples and remarks."""

import io
import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch.utils.data import DistributedSampler

from mnist_lightning import MNISTDataModule
from mnist_lightning.data.pictures.framing import frame_digit
from mnist_lightning.data.pictures.picture_dataset import ImageError, decode_image, read_image

# a quarter of each: black, white, and two greys, so that turning shows
CORNERS = np.array([[0, 255], [64, 128]], np.uint8)
UPRIGHT = CORNERS.ravel() / 255
MODES = {"PNG": "L RGB RGBA LA P", "JPEG": "L RGB CMYK", "BMP": "L RGB RGBA P"}


def picture(corners: np.ndarray = CORNERS) -> Image.Image:
    return Image.fromarray(corners.repeat(32, 0).repeat(32, 1))


def encoded(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    (image or picture()).save(file, kind, **options)
    return file.getvalue()


def corners(content: bytes) -> NDArray[np.float32]:
    grey = decode_image(content)
    assert grey.dtype == np.float32
    assert 0 <= grey.min() <= grey.max() <= 1
    rows, columns = (size * np.array([1, 3]) // 4 for size in grey.shape)
    return grey[np.ix_(rows, columns)].ravel()


@pytest.mark.parametrize("kind", MODES)
def test_modes_of_colour(kind: str) -> None:
    for mode in MODES[kind].split():
        content = encoded(kind, picture().convert(mode))
        assert corners(content) == pytest.approx(UPRIGHT, abs=0.02), mode


def test_one_bit_and_sixteen() -> None:
    sixteen = picture(CORNERS.astype(np.uint16) * 257)
    assert corners(encoded("PNG", sixteen)) == pytest.approx(UPRIGHT, abs=1e-4)
    one = picture().point(lambda value: 255 * (value > 100)).convert("1")
    assert corners(encoded("PNG", one)).tolist() == [0, 1, 0, 1]


# quarter turns of what the camera stored: EXIF 2.3, table of orientations (4.6.4)
@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 1), (8, -1)])
def test_exif_turns(orientation: int, turns: int) -> None:
    image = picture(np.rot90(CORNERS, turns))
    image.getexif()[0x0112] = orientation
    content = encoded("JPEG", image, exif=image.getexif())
    assert corners(content) == pytest.approx(UPRIGHT, abs=0.03)


@pytest.mark.parametrize(
    ("ink", "opaque", "paper"),
    [(0, (0, 0, 32, 20), 255), (255, (0, 0, 32, 20), 0), (200, (0, 0, 64, 40), 200)],
    ids=["dark ink", "light ink", "the picture's own paper"],
)
def test_what_is_behind(ink: int, opaque: tuple[int, int, int, int], paper: int) -> None:
    image = Image.new("LA", (64, 64), (ink, 0))
    image.paste((ink, 255), opaque)
    assert 255 * corners(encoded("PNG", image)) == pytest.approx([ink, paper, paper, paper])


def test_large_pictures_are_reduced() -> None:
    assert decode_image(encoded("JPEG", picture().resize((2000, 1000)))).shape == (400, 800)


def bomb(side: int) -> bytes:
    """A small file whose header claims another size."""
    content = encoded("BMP")
    return content[:18] + struct.pack("<ii", side, side) + content[26:]


REFUSED = {
    "no PNG, JPEG or BMP": [b"", b"text", encoded("GIF"), encoded("TIFF")],
    "damaged": [encoded("PNG")[:-40], encoded("JPEG")[:300], encoded("BMP")[:-40]],
    "more than 64 million pixels": [bomb(30_000), bomb(9_000)],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_picture_is_refused_at_once(reason: str) -> None:
    started = time.perf_counter()
    for content in REFUSED[reason]:
        with pytest.raises(ImageError, match=f"^{reason}$"):
            decode_image(content)
    assert time.perf_counter() - started < 1


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "link.png").symlink_to("fifo.png")
    (tmp_path / "large.png").touch()
    os.truncate(tmp_path / "large.png", 100_000_001)
    reasons = dict.fromkeys(("fifo.png", "zero.png", "link.png"), "no regular file")
    reasons |= {"large.png": "larger than 100 MB", "a\0b.png": "no possible name"}
    for name, reason in reasons.items():
        with pytest.raises(ImageError, match=reason):
            read_image(tmp_path / name)


def test_damage_raises_nothing_but_our_error() -> None:
    random, refused = np.random.default_rng(0), 0
    files = [encoded("JPEG", progressive=True), *map(encoded, MODES)]
    for sound in (np.frombuffer(file, np.uint8) for file in files):
        for _ in range(100):
            content = sound.copy()
            places = random.integers(0, min(len(content), 700), random.integers(1, 8))
            content[places] = random.integers(0, 256, len(places))
            kept = min(random.integers(2 * len(content)), len(content))
            try:
                frame_digit(decode_image(content[:kept].tobytes()))
            except ImageError:
                refused += 1
    assert 100 < refused < 400


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
    assert pictures.remarks == ["no PNG, JPEG or BMP", "no digit", ""]
    assert pictures.digits[:2] == [None, None]
    pixels = np.zeros((3, 1, 28, 28))
    pixels[2] = pictures.digits[2]
    assert images.numpy() == pytest.approx((pixels / 255 - 0.1307) / 0.3081, abs=1e-5)
