"""The page of ``draw`` in a browser that finds no fault with it."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from conftest import mnist_digits
from PIL import Image, ImageDraw
from playwright.sync_api import Page, Route, expect

from mnist_lightning import predict_images
from mnist_lightning.handwriting.draw import predict_drawing, render_page
from mnist_lightning.handwriting.predictor import Predictor
from mnist_lightning.handwriting.server import DrawingServer

INVITATION = "With mouse or finger"
LINE = [(0.5, 0.2 + i / 20) for i in range(12)]  # down the middle of the sheet


@pytest.fixture(scope="module")
def drawing() -> Iterator[ModuleType]:
    """The benchmark that draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        yield import_module("drawing")


@pytest.fixture(scope="module")
def browser(drawing: ModuleType, request: pytest.FixtureRequest) -> Iterator[tuple[Page, str]]:
    """A browser's page, and the address of a network that reads digits well."""
    if not any(map(shutil.which, drawing.BROWSERS)):
        pytest.skip(f"none of {', '.join(drawing.BROWSERS)} is installed")
    predictor = Predictor(str(request.getfixturevalue("reader")))
    answer = partial(predict_drawing, predictor)
    with DrawingServer(0, render_page(predictor), answer) as server, drawing.browsing() as page:
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        yield page, server.url
        server.shutdown()


@pytest.fixture
def page(browser: tuple[Page, str]) -> Iterator[Page]:
    """The page, opened anew."""
    page, url = browser
    problems: list[str] = []
    listeners = {
        "pageerror": lambda error: problems.append(error.message),
        "console": lambda it: problems.extend([it.text] if it.type == "error" else []),
    }
    for event, listener in listeners.items():
        page.on(event, listener)  # type: ignore[call-overload]
    size = page.viewport_size
    page.goto(url)
    yield page
    page.unroute_all()
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    if size:
        page.set_viewport_size(size)
    assert problems == []


def settled(page: Page) -> str:
    """The answer, once nothing is asked any more."""
    page.wait_for_selector("#answer[aria-busy=false]")
    return page.inner_text("#answer")


def percents(page: Page) -> list[float]:
    """What stands beside the bars."""
    return [float(bar.split()[-2]) for bar in page.locator("li").all_inner_texts()]


def stroke(page: Page, drawing: ModuleType, line: list[tuple[float, float]]) -> None:
    """Draw a line with the mouse; the answer to it is there when it returns."""
    first, *others = drawing.on_sheet(page, line)
    page.mouse.move(*first)
    page.mouse.down()
    for place in others:
        page.mouse.move(*place)
    page.mouse.up()
    settled(page)


def ink(page: Page) -> int:
    """Pixels of the sheet that are drawn on."""
    pixels = "sheet.getContext('2d').getImageData(0, 0, 400, 400).data"
    return int(page.evaluate(f"{pixels}.filter((value, i) => i % 4 == 0 && value < 128).length"))


def ink_seen(page: Page) -> int:
    """Pixels of what the network saw that are not black."""
    pixels = "seen.getContext('2d').getImageData(0, 0, 28, 28).data"
    return int(page.evaluate(f"{pixels}.filter((value, i) => i % 4 == 0 && value).length"))


def test_digits_drawn_with_a_mouse(page: Page, drawing: ModuleType) -> None:
    """It follows the middle line of MNIST's test digits; the answers are read off the page."""
    assert page.inner_text("#answer") == INVITATION
    assert "not on MNIST" not in page.inner_text("body")
    assert "trained on MNIST" in page.inner_text("body")
    images, labels = mnist_digits(6)
    answers = [drawing.draw_digit(page, drawing.strokes(image))[0] for image in images]
    assert sum(map(str.startswith, answers, map(str, labels))) >= 5, answers
    percent = percents(page)
    assert sum(percent) == pytest.approx(100, abs=0.6)
    assert f"{np.argmax(percent)}: {max(percent):.1f}\u00a0%" == answers[-1]
    shares = page.locator("progress").evaluate_all("bars => bars.map(bar => bar.position)")
    assert 100 * np.array(shares) == pytest.approx(percent, abs=0.06)
    assert ink_seen(page) > 40
    page.click("#clear")
    assert (page.inner_text("#answer"), ink_seen(page)) == (INVITATION, 0)


def test_a_finger_has_answers_before_it_is_lifted(page: Page, drawing: ModuleType) -> None:
    finger = page.context.new_cdp_session(page)
    for i, (x, y) in enumerate(drawing.on_sheet(page, LINE)):
        touch = {"type": "touchMove" if i else "touchStart", "touchPoints": [{"x": x, "y": y}]}
        finger.send("Input.dispatchTouchEvent", touch)
    assert settled(page).startswith("1: ")


def test_no_answer_to_what_was_cleared(page: Page, drawing: ModuleType) -> None:
    held: list[Route] = []
    page.route("**/digit", lambda route: held.append(route))
    page.mouse.move(*drawing.on_sheet(page, LINE)[0])
    with page.expect_request("**/digit"):
        page.mouse.down()
    page.mouse.up()
    page.click("#clear")
    (asked,) = held
    asked.continue_()
    assert settled(page) == INVITATION


def test_steps_are_undone_and_the_sheet_cleared_by_keys(page: Page, drawing: ModuleType) -> None:
    stroke(page, drawing, LINE)
    one = page.inner_text("#answer")
    assert one.startswith("1: ")
    stroke(page, drawing, [(y, x) for x, y in LINE])
    assert page.inner_text("#answer") != one
    page.keyboard.press("Control+z")
    assert settled(page) == one
    page.keyboard.press("Escape")
    assert (page.inner_text("#answer"), ink(page), ink_seen(page)) == (INVITATION, 0, 0)
    page.click("#undo")
    assert settled(page) == one, "what was cleared comes back"
    page.keyboard.press("Meta+z")
    page.keyboard.press("Control+z")
    assert (settled(page), ink(page)) == (INVITATION, 0)


def test_the_width_of_the_pen(page: Page, drawing: ModuleType) -> None:
    inked = []
    for width in (8, 24, 40):
        page.click("#clear")
        page.fill("#width", str(width))
        stroke(page, drawing, LINE)
        inked.append(ink(page))
    length = 400 * (LINE[-1][1] - LINE[0][1])
    for area, width in zip(inked, (8, 24, 40), strict=True):
        assert area == pytest.approx(length * width + 3.14 * width**2 / 4, rel=0.05)


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_picture_is_read_as_predict_reads_it(
    page: Page, way: str, reader: Path, tmp_path: Path
) -> None:
    """Chalk on a board, wider than high: read as it is, shown whole on the sheet."""
    board = Image.new("L", (300, 200), 40)
    ImageDraw.Draw(board).line([(120, 50), (180, 50), (140, 160)], fill=230, width=12)
    board.save(file := tmp_path / "board.png")
    (found,) = predict_images(file, reader)
    give = """([bytes, way]) => {
      const files = new DataTransfer();
      files.items.add(new File([Uint8Array.from(bytes)], "board.png", { type: "image/png" }));
      const options = { clipboardData: files, dataTransfer: files, cancelable: true };
      document.dispatchEvent(way == "paste" ? new ClipboardEvent(way, options)
        : new DragEvent(way, options));
    }"""
    with page.expect_response("**/digit"):
        page.evaluate(give, [list(file.read_bytes()), way])
    assert settled(page).startswith(f"{found.digit}: ")
    assert max(percents(page)) / 100 == pytest.approx(found.probability, abs=0.02)
    assert ink(page) > 140_000, "the sheet is the board's colour, but for the chalk"
    page.click("#undo")
    assert (settled(page), ink(page)) == (INVITATION, 0)
    page.evaluate(give, [[1, 2, 3], way])
    expect(page.locator("#answer")).to_have_text("No picture that this browser can read")


@pytest.mark.parametrize("size", [(390, 844), (844, 390)], ids=["portrait", "landscape"])
def test_fits_a_phone(page: Page, size: tuple[int, int]) -> None:
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for part in ("#sheet", "#clear", "#width", "#answer", "li:last-child"):
        box = page.locator(part).bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height, f"{part} is seen without scrolling"


def test_certainty_moves_no_bar(page: Page) -> None:
    """100.0 % is the widest number."""
    certain = """sure => {
      const probabilities = [sure, 1 - sure, ...Array(8).fill(0)];
      window.fetch = async () => new Response(JSON.stringify({ probabilities }));
    }"""
    places = []
    for share, shown in ((0.25, "1: 75.0"), (1, "0: 100.0")):
        page.evaluate(certain, share)
        page.click("#sheet")
        expect(page.locator("#answer")).to_have_text(f"{shown}\u00a0%")
        boxes = [page.locator("progress").nth(i).bounding_box() for i in (0, 9)]
        places.append([*boxes, page.evaluate("answer.offsetHeight")])
    assert places[0] == places[1]
