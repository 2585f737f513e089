"""The form of MNIST's digits: against MNIST itself, and against drawings whose form is known."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageOps
from scipy import ndimage

from mnist_lightning.data.pictures.framing import frame_digit

Grey = NDArray[np.float32]
SIDE = 400
SEVEN = [(130, 110), (250, 100), (170, 300)]


def grey(image: Image.Image) -> Grey:
    return np.asarray(image.convert("L"), np.float32) / np.float32(255)


def drawn(width: int = 20, path: list[tuple[int, int]] = SEVEN) -> Image.Image:
    sheet = Image.new("L", (SIDE, SIDE), "white")
    ImageDraw.Draw(sheet).line(path, fill="black", width=width, joint="curve")
    return sheet


def found(image: Grey) -> NDArray[np.float64]:
    digit = frame_digit(image)
    assert digit is not None
    assert (*digit.shape, str(digit.dtype)) == (28, 28, "uint8")
    return digit.astype(float)


def bounds(digit: NDArray[np.float64]) -> tuple[int, int]:
    rows, columns = (np.flatnonzero(digit.any(axis)) for axis in (1, 0))
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def differ(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(np.abs(a.astype(float) - b).mean())


def test_mnist_itself_stays_as_it_is(mnist_dir: Path) -> None:
    content = gzip.decompress((mnist_dir / "t10k-images-idx3-ubyte.gz").read_bytes())
    images = np.frombuffer(content, np.uint8, 28 * 28 * 100, 16).reshape(100, 28, 28)
    bicubic = Image.Resampling.BICUBIC
    large = [Image.fromarray(image).resize((280, 280), bicubic) for image in images]
    differences = [differ(found(grey(a)), b) for a, b in zip(large, images, strict=True)]
    shifted = np.mean([differ(np.roll(image, 1, 0), image) for image in images])
    assert np.mean(differences) < 0.6 * shifted, "nearer by far than a shift by one pixel"


@pytest.mark.parametrize("width", [2, 8, 20, 40])
def test_fits_the_box_and_its_mass_is_in_the_middle(width: int) -> None:
    digit = found(grey(drawn(width)))
    rows, columns = bounds(digit)
    assert max(rows, columns) == 20
    assert ndimage.center_of_mass(digit) == pytest.approx([14, 14], abs=0.51)
    assert digit.max() == 255


def test_a_line_keeps_its_proportions_and_gets_the_strokes_of_mnist() -> None:
    thick, thin = (found(grey(drawn(width, [(200, 100), (200, 300)]))) for width in (20, 2))
    assert bounds(thick) == (20, 2)  # 20 wide and 201 high
    assert thin[14].sum() / 255 == pytest.approx(2.4, abs=0.4)


def test_the_same_digit_in_other_pictures() -> None:
    image, sheet = drawn(), Image.new("L", (700, 500), "white")
    sheet.paste(image.resize((200, 200), Image.Resampling.LANCZOS), (450, 20))
    assert differ(found(grey(sheet)), found(grey(image))) < 4, "size and place"
    assert differ(found(1 - grey(image)), found(grey(image))) < 2, "light on dark"
    tight = drawn(40).crop(ImageOps.invert(drawn(40)).getbbox())
    assert differ(found(grey(tight)), found(grey(drawn(40)))) < 4, "cut to the ink"


def test_more_ink_than_paper() -> None:
    sheet = Image.new("L", (SIDE, SIDE), "white")
    ImageDraw.Draw(sheet).ellipse((100, 50, 299, 349), outline="black", width=60)
    tight = grey(sheet.crop((100, 50, 300, 350)))
    assert tight.mean() < 0.45
    for image in (tight, 1 - tight):
        assert differ(found(image), found(grey(sheet))) < 4


@pytest.mark.parametrize("what", ["specks", "light", "ruling", "table", "noise"])
def test_what_is_no_ink_changes_little(what: str) -> None:
    sheet, random = drawn(), np.random.default_rng(0)
    pen = ImageDraw.Draw(sheet)
    clean = found(grey(sheet))
    if what == "specks":
        for x, y in random.integers(5, 390, (20, 2)).tolist():
            pen.ellipse((x, y, x + 3, y + 3), fill="black")
    elif what == "ruling":
        lines = Image.new("L", sheet.size, "white")
        for y in range(15, SIDE, 40):
            ImageDraw.Draw(lines).line((0, y, SIDE, y), fill=190, width=2)
        sheet = ImageChops.darker(sheet, lines)
    elif what == "table":
        pen.rectangle((0, 0, SIDE, 12), fill=40)
    image = grey(sheet)
    if what == "light":
        image = image * np.linspace(0.35, 0.9, SIDE, dtype=np.float32)
    elif what == "noise":
        image = image * 0.8 + random.normal(0, 0.04, image.shape).astype(np.float32) + 0.1
    assert differ(found(image.clip(0, 1)), clean) < 6


def empty() -> dict[str, Grey]:
    random = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:300j, -1:1:400j]
    ruled = np.full((300, 400), 0.9)
    ruled[20::40] = 0.5
    dust = np.full((300, 400), 0.9)
    dust[100:108, 200:208] = 0
    table = np.full((300, 400), 0.9)
    table[:15] = 0.2
    return {
        "white": np.ones((300, 400)),
        "black": np.zeros((300, 400)),
        "one pixel": np.ones((1, 1)),
        "one row": random.random((1, 400)),
        "noise": random.random((300, 400)),
        "rough paper": 0.7 + random.normal(0, 0.03, (300, 400)),
        "light from a side": 0.6 + 0.3 * x,
        "vignette": 0.9 - 0.2 * (x * x + y * y),
        "ruled": ruled,
        "dust": dust,
        "table": table,
    }


@pytest.mark.parametrize("kind", list(empty()))
def test_no_digit(kind: str) -> None:
    assert frame_digit(empty()[kind].clip(0, 1).astype(np.float32)) is None
