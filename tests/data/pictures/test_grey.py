"""Grey: colours that luminance loses, and what lies behind transparent parts."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mnist_lightning.data.pictures.grey import to_grey

Colour = tuple[int, int, int]
LINE = [(120, 60), (280, 60), (180, 340)]
ON, OFF = (230, 60), (60, 250)  # a place on the line, and one beside it


def values(image: Image.Image) -> tuple[float, float]:
    """Brightness on the line and beside it."""
    grey = to_grey(image)
    assert grey.dtype == np.float32
    assert grey.shape == image.size[::-1]
    assert 0 <= grey.min() <= grey.max() <= 1
    return tuple(float(grey[y, x]) for x, y in (ON, OFF))  # type: ignore[return-value]


def sheet(ink: Colour, paper: Colour, noise: float = 3) -> Image.Image:
    image = Image.new("RGB", (400, 400), paper)
    ImageDraw.Draw(image).line(LINE, ink, 20)
    grain = np.random.default_rng(0).normal(0, noise, (400, 400, 3))
    return Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))


# as bright as each other by ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B
@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((200, 50, 50), (60, 125, 60)),
        ((40, 130, 40), (190, 60, 60)),
        ((255, 245, 80), (255, 255, 255)),
        ((70, 90, 200), (150, 80, 80)),
        ((230, 130, 40), (150, 150, 150)),
    ],
)
def test_ink_as_bright_as_its_paper(ink: Colour, paper: Colour) -> None:
    luminance = sheet(ink, paper).convert("L").getpixel(ON)
    assert isinstance(luminance, int | float)
    beside = sheet(ink, paper).convert("L").getpixel(OFF)
    assert isinstance(beside, int | float)
    assert abs(luminance - beside) < 32, "which luminance loses"
    on, off = values(sheet(ink, paper))
    assert off - on > 0.2


@pytest.mark.parametrize("shade", ["none", "blue shadow", "yellow light", "noise"])
def test_photos_keep_their_luminance(shade: str) -> None:
    image = np.asarray(sheet((60, 60, 80), (225, 220, 210), 25 if shade == "noise" else 3)) / 255
    across = np.linspace(0, 1, 400)[:, None]
    tints: dict[str, NDArray[np.float64]] = {
        "blue shadow": np.where(across[..., None] > 0.5, [0.5, 0.55, 0.75], [1, 1, 1]),
        "yellow light": 1 - across[..., None] * [0.0, 0.1, 0.6],
    }
    image = image * tints.get(shade, np.ones(3))
    photo = Image.fromarray((255 * image).astype(np.uint8))
    expected = np.asarray(photo.convert("L")) / 255
    assert np.abs(to_grey(photo) - expected).max() < 1e-6


def card(paper: int, ink: int, side: int, fall: float = 0) -> Image.Image:
    """An opaque card with a line on a transparent canvas, its light falling off to the right."""
    image = Image.new("L", (400, 400), paper)
    ImageDraw.Draw(image).line([(x * 0.8, y * 0.8) for x, y in LINE], ink, 16)
    light = np.asarray(image) * (1 - fall * np.linspace(0, 1, 400))
    opaque = np.zeros((400, 400))
    opaque[:side, :side] = 255
    return Image.fromarray(np.dstack([light] * 3 + [opaque]).astype(np.uint8), "RGBA")


@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (250, 20), (128, 230), (90, 20)])
@pytest.mark.parametrize("side", [290, 300, 350, 399])
@pytest.mark.parametrize("fall", [0, 0.3])
def test_a_cards_paper_goes_on(paper: int, ink: int, side: int, fall: float) -> None:
    grey = to_grey(card(paper, ink, side, fall))
    edge = np.s_[: side - 5]
    steps = np.concatenate([grey[edge, side] - grey[edge, side - 1], np.diff(grey[side - 1 :, 5])])
    assert np.abs(steps).max() < 0.01, "no false edge"
    assert grey[380, 395] == pytest.approx(grey[side - 1, side - 1], abs=0.01)


@pytest.mark.parametrize("width", [2, 20, 60])
@pytest.mark.parametrize(
    ("inks", "behind"),
    [((0, 0), 1), ((255, 255), 0), ((0, 90), 1), ((255, 190), 0), ((60, 110), 1)],
    ids=["dark", "light", "two dark", "two light", "two"],
)
def test_ink_alone_lies_on_what_it_contrasts_with(
    inks: tuple[int, int], behind: int, width: int
) -> None:
    layer = Image.new("RGBA", (1200, 1200))
    for tone, line in zip(inks, ([LINE[0], LINE[1]], [LINE[1], LINE[2]]), strict=True):
        scaled = [(3 * x, 3 * y) for x, y in line]
        ImageDraw.Draw(layer).line(scaled, (tone, tone, tone, 255), 3 * width)
    grey = to_grey(layer.resize((400, 400)))  # soft edges
    assert grey[0, 0] == behind
    assert grey[250, 60] == behind
    assert abs(grey[60, 200] - behind) > 0.5


@pytest.mark.parametrize(
    ("ink", "opaque", "paper"),
    [(0, (0, 0, 32, 20), 255), (255, (0, 0, 32, 20), 0), (200, (0, 0, 64, 40), 200)],
    ids=["dark ink", "light ink", "the picture's own paper"],
)
def test_what_is_behind(ink: int, opaque: tuple[int, int, int, int], paper: int) -> None:
    image = Image.new("LA", (64, 64), (ink, 0))
    image.paste((ink, 255), opaque)
    grey = 255 * to_grey(image.convert("RGBA"))
    assert grey[[16, 16, 48, 48], [16, 48, 16, 48]] == pytest.approx([ink, paper, paper, paper])


def test_nothing_and_little_are_no_error() -> None:
    assert to_grey(Image.new("RGBA", (9, 9))).max() == 1
    assert to_grey(Image.new("RGBA", (1, 1), (9, 9, 9, 9))).shape == (1, 1)
    assert to_grey(Image.new("RGB", (1, 1))).tolist() == [[0]]
    assert to_grey(Image.new("RGB", (800, 1), "white")).min() == 1
