"""Files of pictures: kinds, colours, damage."""

import io
import os
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_lightning.data.pictures.framing import frame_digit
from mnist_lightning.data.pictures.picture_dataset import ImageError, decode_image, read_image

# a quarter of each: black, white, and two greys, so that turning shows
CORNERS = np.array([[0, 255], [64, 128]], np.uint8)
UPRIGHT = CORNERS.ravel() / 255


def picture(corners: np.ndarray = CORNERS) -> Image.Image:
    return Image.fromarray(corners.repeat(32, 0).repeat(32, 1))


def encoded(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    (image or picture()).save(file, kind, **options)
    return file.getvalue()


def corners(content: bytes) -> list[float]:
    grey = decode_image(content)
    assert grey.dtype == np.float32
    assert 0 <= grey.min() <= grey.max() <= 1
    rows, columns = (size * np.array([1, 3]) // 4 for size in grey.shape)
    return [float(each) for each in grey[np.ix_(rows, columns)].ravel()]


MODES = {"PNG": "L RGB RGBA LA P", "JPEG": "L RGB CMYK", "BMP": "L RGB RGBA P"}


@pytest.mark.parametrize("kind", MODES)
def test_modes_of_colour(kind: str) -> None:
    for mode in MODES[kind].split():
        content = encoded(kind, picture().convert(mode))
        assert corners(content) == pytest.approx(UPRIGHT, abs=0.02), mode


def test_one_bit_and_sixteen() -> None:
    sixteen = picture(CORNERS.astype(np.uint16) * 257)
    assert corners(encoded("PNG", sixteen)) == pytest.approx(UPRIGHT, abs=1e-4)
    one = picture().point(lambda value: 255 * (value > 100)).convert("1")
    assert corners(encoded("PNG", one)) == [0, 1, 0, 1]


# what the camera stored, and the upright scene: EXIF 2.3, table of orientations (4.6.4)
@pytest.mark.parametrize(
    ("orientation", "stored"),
    [(1, CORNERS), (3, np.rot90(CORNERS, 2)), (6, np.rot90(CORNERS)), (8, np.rot90(CORNERS, -1))],
)
def test_exif_turns(orientation: int, stored: np.ndarray) -> None:
    image = picture(stored)
    image.getexif()[0x0112] = orientation
    content = encoded("JPEG", image, exif=image.getexif())
    assert corners(content) == pytest.approx(UPRIGHT, abs=0.03)


@pytest.mark.parametrize(("ink", "paper"), [(0, 1), (255, 0)])
def test_what_is_transparent_contrasts_with_the_ink(ink: int, paper: int) -> None:
    alpha = Image.new("L", (64, 64))
    alpha.paste(255, (0, 0, 32, 20))
    image = Image.merge("LA", (Image.new("L", (64, 64), ink), alpha))
    assert corners(encoded("PNG", image)) == [ink / 255, paper, paper, paper]


def test_transparent_margins_take_the_colour_of_the_paper() -> None:
    alpha = Image.new("L", (64, 64), 255)
    alpha.paste(0, (32, 32, 64, 64))
    image = Image.merge("LA", (Image.new("L", (64, 64), 200), alpha))
    assert corners(encoded("PNG", image)) == pytest.approx([200 / 255] * 4)


def test_large_pictures_are_reduced() -> None:
    assert decode_image(encoded("JPEG", picture().resize((2000, 1000)))).shape == (400, 800)


def bomb(side: int) -> bytes:
    """A small PNG whose header claims another size."""
    content = bytearray(encoded("PNG"))
    content[16:24] = struct.pack(">II", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no PNG, JPEG or BMP"),
        (b"text", "no PNG, JPEG or BMP"),
        (encoded("GIF"), "no PNG, JPEG or BMP"),
        (encoded("TIFF"), "no PNG, JPEG or BMP"),
        (encoded("PNG")[:-40], "damaged"),
        (encoded("JPEG")[:300], "damaged"),
        (encoded("BMP")[:-40], "damaged"),
        (bomb(30_000), "more than 64 million pixels"),
        (bomb(9_000), "more than 64 million pixels"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_is_refused_at_once(content: bytes, reason: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ImageError, match=f"^{reason}$"):
        decode_image(content)
    assert time.perf_counter() - started < 1


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "link.png").symlink_to("fifo.png")
    (tmp_path / "large.png").touch()
    os.truncate(tmp_path / "large.png", 100_000_001)
    reasons = {
        "large.png": "larger than 100 MB",
        **dict.fromkeys(("fifo.png", "zero.png", "link.png"), "no regular file"),
        "folder.png": "Is a directory",
        "missing.png": "No such file",
        "a\0b.png": "no possible name",
    }
    for name, reason in reasons.items():
        with pytest.raises(ImageError, match=reason):
            read_image(tmp_path / name)


def test_damage_raises_nothing_but_our_error() -> None:
    random, refused = np.random.default_rng(0), 0
    files = [encoded("JPEG", progressive=True), *map(encoded, ("PNG", "JPEG", "BMP"))]
    for sound in (np.frombuffer(file, np.uint8) for file in files):
        for _ in range(100):
            content = sound.copy()
            places = random.integers(0, min(len(content), 700), random.integers(1, 8))
            content[places] = random.integers(0, 256, len(places))
            kept = random.integers(len(content)) if random.random() < 0.5 else len(content)
            try:
                frame_digit(decode_image(content[:kept].tobytes()))
            except ImageError:
                refused += 1
    assert 100 < refused < 400
