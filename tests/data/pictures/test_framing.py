"""The form of MNIST's digits: against MNIST itself, and against drawings whose form is known."""

from typing import Any

import numpy as np
import pytest
from conftest import mnist_digits
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from mnist_lightning.data.pictures.framing import frame_digit
from mnist_lightning.data.pictures.grey import to_grey

Grey = NDArray[Any]
SIDE = 400
SEVEN = [(130, 110), (250, 100), (170, 300)]


def grey(image: Image.Image) -> Grey:
    return np.asarray(image, np.float32) / np.float32(255)


def drawn(width: int = 20, path: list[tuple[int, int]] = SEVEN) -> Grey:
    sheet = Image.new("L", (SIDE, SIDE), "white")
    ImageDraw.Draw(sheet).line(path, fill="black", width=width, joint="curve")
    return grey(sheet)


def found(image: Grey) -> NDArray[np.float64]:
    digit = frame_digit(image.astype(np.float32))
    assert digit is not None
    assert (*digit.shape, str(digit.dtype)) == (28, 28, "uint8")
    return digit.astype(float)


def size(digit: Grey) -> list[int]:
    return [int(np.ptp(np.flatnonzero(digit.any(axis)))) + 1 for axis in (1, 0)]


def differ(a: Grey, b: Grey) -> float:
    return float(np.abs(a.astype(float) - b).mean())


@pytest.mark.usefixtures("mnist_dir")
def test_mnist_itself_stays_as_it_is() -> None:
    images, _ = mnist_digits(100)
    bicubic = Image.Resampling.BICUBIC
    large = [Image.fromarray(image).resize((280, 280), bicubic) for image in images]
    differences = [differ(found(grey(a)), b) for a, b in zip(large, images, strict=True)]
    shifted = np.mean([differ(np.roll(image, 1, 0), image) for image in images])
    assert np.mean(differences) < 0.6 * shifted, "nearer by far than a shift by one pixel"


@pytest.mark.parametrize("width", [2, 8, 20, 40])
def test_fits_the_box_and_its_mass_is_in_the_middle(width: int) -> None:
    digit = found(drawn(width))
    assert max(size(digit)) == 20
    assert ndimage.center_of_mass(digit) == pytest.approx([14, 14], abs=0.51)
    assert digit.max() == 255


def test_a_line_keeps_its_proportions_and_gets_the_strokes_of_mnist() -> None:
    thick, thin = (found(drawn(width, [(200, 100), (200, 300)])) for width in (20, 2))
    assert size(thick) == [20, 2]  # 20 wide and 201 high
    assert thin[14].sum() / 255 == pytest.approx(2.4, abs=0.4)


def test_the_same_digit_in_other_pictures() -> None:
    image, sheet = drawn(), Image.new("L", (700, 500), "white")
    small = Image.fromarray((255 * image).astype(np.uint8)).resize((200, 200))
    sheet.paste(small, (450, 20))
    assert differ(found(grey(sheet)), found(image)) < 4, "size and place"
    assert differ(found(1 - image), found(image)) < 2, "light on dark"
    (ink,) = ndimage.find_objects((drawn(40) < 0.5).astype(int))
    assert differ(found(drawn(40)[ink]), found(drawn(40))) < 4, "cut to the ink"


def test_more_ink_than_paper() -> None:
    sheet = Image.new("L", (SIDE, SIDE), "white")
    ImageDraw.Draw(sheet).ellipse((100, 50, 299, 349), outline="black", width=60)
    tight = grey(sheet.crop((100, 50, 300, 350)))
    for image in (tight, 1 - tight):
        assert differ(found(image), found(grey(sheet))) < 4


@pytest.mark.parametrize("what", ["specks", "light", "ruling", "table", "noise"])
def test_what_is_no_ink_changes_little(what: str) -> None:
    image, random = drawn(), np.random.default_rng(0)
    if what == "specks":
        for x, y in random.integers(5, 390, (20, 2)):
            image[y : y + 4, x : x + 4] = 0
    elif what == "ruling":
        image[15::40] = image[16::40] = np.minimum(image[15::40], 0.75)
    elif what == "table":
        image[:13] = 0.15
    elif what == "light":
        image *= np.linspace(0.35, 0.9, SIDE)
    else:
        image = image * 0.8 + random.normal(0, 0.04, image.shape) + 0.1
    clean = found(drawn())
    shifted = differ(np.roll(clean, 1, 0), clean)
    assert differ(found(image.clip(0, 1)), clean) < 0.6 * shifted, "about 7"


THREE = [(0.25, 0.15), (0.6, 0.08), (0.75, 0.22), (0.6, 0.4), (0.35, 0.48), (0.7, 0.52)]
THREE += [(0.8, 0.75), (0.6, 0.92), (0.2, 0.9)]
FIVE = [(250, 120), (160, 120), (150, 190), (230, 185), (275, 240), (250, 300), (150, 310)]


def three(side: int, width: int, paper: int = 255, ink: int = 0) -> Image.Image:
    image = Image.new("L", (side, side), paper)
    path = [(side * x, side * y) for x, y in THREE]
    ImageDraw.Draw(image).line(path, fill=ink, width=width)
    return image


def five(paper: int = 225, ink: int = 40) -> Image.Image:
    image = Image.new("L", (SIDE, SIDE), paper)
    ImageDraw.Draw(image).line(FIVE, fill=ink, width=12, joint="curve")
    return image


def assert_alike(image: Image.Image, clean: Image.Image) -> None:
    """What is found in a picture is what is found in a clean drawing of the same."""
    expected = found(grey(clean))
    one_off = differ(np.roll(expected, 1, 0), expected)
    assert differ(found(to_grey(image)), expected) < 0.3 * one_off


@pytest.mark.parametrize("side", [100, 120, 144, 160, 175, 180, 240, 300])
def test_hard_strokes_of_a_pixel(side: int) -> None:
    assert_alike(three(side, 1, paper=0, ink=255), three(400, 16))


@pytest.mark.parametrize("lighter", [10, 30, 60, 100])
def test_two_tones_in_one_digit(lighter: int) -> None:
    def eight(upper: int) -> Image.Image:
        image = Image.new("L", (200, 200), 255)
        draw = ImageDraw.Draw(image)
        draw.ellipse([65, 95, 140, 175], outline=60, width=11)
        draw.ellipse([72, 28, 132, 100], outline=upper, width=11)
        return image

    assert_alike(eight(60 + lighter), eight(60))


@pytest.mark.parametrize("degrees", [-4, 2, 5, 8])
def test_a_turned_scan_with_black_corners(degrees: float) -> None:
    dark, paper = (five().rotate(degrees, Image.Resampling.BICUBIC, fillcolor=x) for x in (0, 225))
    assert_alike(dark, paper)


@pytest.mark.parametrize("table", [20, 90, 150, 250])
@pytest.mark.parametrize(("paper", "ink"), [(225, 40), (170, 20)])
def test_a_sheet_on_a_table(table: int, paper: int, ink: int) -> None:
    image = Image.new("L", (560, 560), table)
    image.paste(five(paper, ink), (80, 80))
    assert_alike(image, five())


@pytest.mark.parametrize("deep", [2, 5, 8])
@pytest.mark.parametrize("right", [128, 300])
def test_a_sliver_at_the_edge(deep: int, right: int) -> None:
    image = five(205, 110)
    ImageDraw.Draw(image).rectangle([20, 0, right, deep - 1], fill=120)
    assert_alike(image, five())


@pytest.mark.parametrize("rows", [(0, 72), (0, 144), (702, 800), (738, 800)], ids=str)
def test_a_sheet_on_a_checked_cloth(rows: tuple[int, int]) -> None:
    image = Image.new("L", (360, 800), 190)
    ImageDraw.Draw(image).line([(120, 420), (200, 415), (160, 540)], 110, 5, joint="curve")
    ImageDraw.Draw(image).line([(130, 480), (195, 475)], 110, 5)
    y, x = np.mgrid[rows[0] : rows[1], :360] // 9
    cloth = Image.fromarray(np.where((x + y) % 2, 110, 170).astype(np.uint8))
    on_cloth = image.copy()
    on_cloth.paste(cloth, (0, rows[0]))
    assert_alike(on_cloth, image)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (255, 0), (30, 200)])
def test_a_card_on_a_transparent_canvas(share: float, paper: int, ink: int) -> None:
    side = int(400 * share**0.5)
    image = Image.new("RGBA", (400, 400))
    image.paste(three(side, side // 25, paper, ink).convert("RGBA"), (0, (400 - side) // 2))
    assert_alike(image, three(400, 16))


@pytest.mark.parametrize("width", [60, 100, 150])
@pytest.mark.parametrize("light_on_dark", [False, True])
def test_thick_ink_stays_filled(width: int, light_on_dark: bool) -> None:
    """Against Pillow's scaling of the ink: of a 7 up to half of the picture."""
    image = drawn(width, [(70, 80), (330, 80), (170, 350)])
    (ink,) = ndimage.find_objects((image < 0.5).astype(int))
    shape = np.array(image[ink].shape)
    rows, columns = np.round(20 * shape / shape.max()).astype(int)
    mask = Image.fromarray((255 * (1 - image[ink])).astype(np.uint8))
    expected = np.asarray(mask.resize((columns, rows), Image.Resampling.BOX))
    digit = found(1 - image if light_on_dark else image)
    (box,) = ndimage.find_objects((digit > 0).astype(int))
    assert digit[box].shape == expected.shape
    assert differ(digit[box], expected) < 6


RANDOM = np.random.default_rng(0)
Y, X = np.mgrid[:300, :400]
EMPTY = {
    "white": np.ones((300, 400)),
    "black": np.zeros((300, 400)),
    "one pixel": np.ones((1, 1)),
    "one row": RANDOM.random((1, 400)),
    "noise": RANDOM.random((300, 400)),
    "rough paper": 0.7 + RANDOM.normal(0, 0.03, (300, 400)),
    "light from a side": 0.3 + X / 700,
    "vignette": 0.9 - ((X / 200 - 1) ** 2 + (Y / 150 - 1) ** 2) / 5,
    "ruled": 0.9 - 0.4 * (Y % 40 == 20),
    "dust": 0.9 - 0.9 * (np.maximum(abs(X - 200), abs(Y - 100)) < 4),
    "table": 0.9 - 0.7 * (Y < 15),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_no_digit(kind: str) -> None:
    assert frame_digit(EMPTY[kind].clip(0, 1).astype(np.float32)) is None


@pytest.mark.parametrize("tones", [(235, 40, 225), (20, 230, 30)])
def test_a_card_on_a_table_is_no_digit_but_the_line_on_it_is(tones: tuple[int, int, int]) -> None:
    table, card, ink = tones
    picture = Image.new("L", (SIDE, SIDE), table)
    pen = ImageDraw.Draw(picture)
    pen.polygon([(60, 110), (290, 60), (340, 290), (110, 340)], fill=card)
    pen.line([(200, 180), (198, 212)], fill=ink, width=5)
    height, width = size(found(grey(picture)))
    assert height == 20
    assert width < 6  # the card would be as wide as it is high
