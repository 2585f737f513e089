"""Decoding: kinds of files, modes of colour, turning, pages, damage and limits."""

import io
import os
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from numpy.typing import NDArray
from PIL import Image

from mnist_lightning.data.pictures import decoding
from mnist_lightning.data.pictures.decoding import (
    ImageError,
    count_pages,
    decode_image,
    read_image,
)
from mnist_lightning.data.pictures.framing import frame_digit

# a quarter of each: black, white, and two greys, so that turning shows
CORNERS = np.array([[0, 255], [64, 128]], np.uint8)
UPRIGHT = CORNERS.ravel() / 255
MODES = {
    "PNG": "L RGB RGBA LA P",
    "JPEG": "L RGB CMYK",
    "BMP": "L RGB RGBA P",
    "GIF": "L RGB RGBA P",
    "WEBP": "L RGB RGBA LA",
    "TIFF": "L RGB RGBA LA P PA CMYK YCbCr F",
    "HEIF": "L RGB RGBA",
}
SIDE = 16_000  # pixels that a header claims


def picture(corners: np.ndarray = CORNERS) -> Image.Image:
    return Image.fromarray(corners.repeat(32, 0).repeat(32, 1))


def encoded(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    file, image = io.BytesIO(), image or picture()
    if kind == "HEIF":  # which Pillow has not without a plugin
        pillow_heif.from_pillow(image).save(file, **options)  # writes the rotation of exif
    else:
        image.save(file, kind, **options)
    return file.getvalue()


def corners(content: bytes, page: int = 0) -> NDArray[np.float32]:
    grey = decode_image(content, page=page)
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
    one = picture().point(lambda value: 255 * (value > 100)).convert("1")
    for kind in ("PNG", "TIFF"):
        sixteen = picture(CORNERS.astype(np.uint16) * 257)
        assert corners(encoded(kind, sixteen)) == pytest.approx(UPRIGHT, abs=1e-4)
        twelve = picture(CORNERS.astype(np.uint16) * 16)  # as scanners fill them
        assert corners(encoded(kind, twelve)) == pytest.approx(UPRIGHT, abs=0.01)
        assert corners(encoded(kind, one)).tolist() == [0, 1, 0, 1]
    fax = encoded("TIFF", one, compression="group4")
    assert corners(fax).tolist() == [0, 1, 0, 1]


def test_lightness_of_lab() -> None:
    lab = Image.merge("LAB", [picture(), *[Image.new("L", (64, 64), 128)] * 2])
    assert corners(encoded("TIFF", lab)) == pytest.approx(UPRIGHT, abs=0.01)


# quarter turns of what the camera stored: EXIF 2.3, table of orientations (4.6.4)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 1), (8, -1)])
def test_exif_turns(orientation: int, turns: int, kind: str) -> None:
    image = picture(np.rot90(CORNERS, turns))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(kind, image, exif=exif.tobytes())
    assert corners(content) == pytest.approx(UPRIGHT, abs=0.03)


def test_sixteen_bits_turn_too() -> None:
    image = picture(np.rot90(CORNERS).astype(np.uint16) * 257)
    image.getexif()[0x0112] = 6
    content = encoded("PNG", image, exif=image.getexif())
    assert corners(content) == pytest.approx(UPRIGHT, abs=1e-4)


def test_of_several_pictures_the_first_or_a_page() -> None:
    turned = picture(np.rot90(CORNERS))
    for kind in ("GIF", "WEBP", "MPO"):
        images = [each.convert("RGB") for each in (picture(), turned)]
        content = encoded(kind, images[0], save_all=True, append_images=images[1:])
        assert count_pages(content) == 1, kind
        assert corners(content) == pytest.approx(UPRIGHT, abs=0.03), kind
    pages = encoded("TIFF", save_all=True, append_images=[turned, turned])
    assert count_pages(pages) == 3
    assert corners(pages) == pytest.approx(UPRIGHT, abs=0.01)
    assert corners(pages, page=1) == pytest.approx(np.rot90(CORNERS).ravel() / 255, abs=0.01)
    for content in (encoded("TIFF"), encoded("PNG"), b"", pages[:200]):
        assert count_pages(content) == 1


def test_pages_are_limited(tmp_path: Path) -> None:
    small = Image.new("L", (8, 8))
    (tmp_path / "many.tif").write_bytes(
        encoded("TIFF", small, save_all=True, append_images=[small] * 150)
    )
    assert count_pages(tmp_path / "many.tif") == 101
    with pytest.raises(ImageError, match="only 100 pages of a file are read"):
        read_image(tmp_path / "many.tif", page=100)
    os.mkfifo(tmp_path / "fifo.tif")
    assert count_pages(tmp_path / "fifo.tif") == 1


def test_large_pictures_are_reduced() -> None:
    assert decode_image(encoded("JPEG", picture().resize((2000, 1000)))).shape == (400, 800)
    checked = Image.fromarray((np.indices((1600, 1600)).sum(0) % 2 * 255).astype(np.uint8))
    for mode in ("L", "P", "1"):  # means of the pixels, not of indices, nor every second one
        grey = decode_image(encoded("PNG", checked.convert(mode)))
        assert np.abs(grey - 0.5).max() < 0.02, mode


def patched(content: bytes, at: int, new: bytes) -> bytes:
    return content[:at] + new + content[at + len(new) :]


def bombs() -> dict[str, bytes]:
    """Small files of each kind whose headers claim 16,000 pixels a side, by their formats."""
    found = {kind: encoded(kind, picture().convert("RGB")) for kind in MODES}
    png = patched(found["PNG"], 16, struct.pack(">II", SIDE, SIDE))
    found["PNG"] = patched(png, 29, struct.pack(">I", zlib.crc32(png[12:29])))
    start = found["JPEG"].index(b"\xff\xc0")  # frame header
    found["JPEG"] = patched(found["JPEG"], start + 5, struct.pack(">HH", SIDE, SIDE))
    found["BMP"] = patched(found["BMP"], 18, struct.pack("<ii", SIDE, SIDE))
    found["GIF"] = patched(found["GIF"], 6, struct.pack("<HH", SIDE, SIDE))
    images = [Image.new("RGB", (64, 64), colour) for colour in ("white", "black")]
    webp = encoded("WEBP", images[0], save_all=True, append_images=images[1:])
    canvas = 2 * struct.pack("<I", SIDE - 1)[:3]
    found["WEBP"] = patched(webp, webp.index(b"VP8X") + 12, canvas)
    tags = [struct.pack("<HHI", tag, kind, 1) for tag in (256, 257) for kind in (3, 4)]
    for at in (found["TIFF"].find(tag) for tag in tags):
        if at >= 0:
            found["TIFF"] = patched(found["TIFF"], at + 2, struct.pack("<HII", 4, 1, SIDE))
    extents = found["HEIF"].index(b"ispe") + 8
    found["HEIF"] = patched(found["HEIF"], extents, struct.pack(">II", SIDE, SIDE))
    return found


def bomb(side: int) -> bytes:
    return patched(encoded("BMP"), 18, struct.pack("<ii", side, side))


OTHER = "no PNG, JPEG, BMP, GIF, WebP, TIFF or HEIC"
DAMAGED = [encoded(kind) for kind in ("PNG", "BMP", "GIF", "TIFF", "HEIF")]
REFUSED = {
    OTHER: [b"", b"text", b"PK\x03\x04", encoded("PPM"), encoded("ICO"), encoded("TGA")],
    "a PDF: save its page as a picture": [b"%PDF-1.7\n"],
    "damaged": [*(each[:-40] for each in DAMAGED), encoded("JPEG")[:300], encoded("WEBP")[:-20]],
    "more than 64 million pixels": [*bombs().values(), bomb(30_000), bomb(9_000)],
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
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder link").symlink_to("folder")
    reasons = dict.fromkeys(("fifo.png", "zero.png", "link.png"), "no regular file")
    reasons |= {"folder": "a folder: --data.recursive true", "folder link": "a link to a folder"}
    reasons |= {"large.png": "larger than 100 MB", "a\0b.png": "no possible name"}
    for name, reason in reasons.items():
        with pytest.raises(ImageError, match=reason):
            read_image(tmp_path / name)


def test_heic_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "HEIF_PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(ImageError, match=r"^HEIC: needs pip install .mnist-lightning\[heic\].$"):
        decode_image(encoded("HEIF"))
    assert corners(encoded("PNG")) == pytest.approx(UPRIGHT), "the others do not"


def test_damage_raises_nothing_but_our_error() -> None:
    random, refused = np.random.default_rng(0), 0
    files = [encoded("JPEG", progressive=True), *map(encoded, MODES)]
    for sound in (np.frombuffer(file, np.uint8) for file in files):
        for _ in range(25):
            content = sound.copy()
            places = random.integers(0, min(len(content), 700), random.integers(1, 8))
            content[places] = random.integers(0, 256, len(places))
            kept = min(random.integers(2 * len(content)), len(content))
            try:
                held = content[:kept].tobytes()
                count_pages(held)
                frame_digit(decode_image(held))
            except ImageError:
                refused += 1
    assert 80 < refused < 190
