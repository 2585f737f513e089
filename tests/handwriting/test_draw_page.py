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
from playwright.sync_api import Page, Route

from mnist_lightning.handwriting.draw import predict_drawing, render_page
from mnist_lightning.handwriting.prediction import Predictor
from mnist_lightning.handwriting.server import DrawingServer

INVITATION = "With mouse or finger"
LINE = [(0.5, 0.2 + i / 20) for i in range(12)]  # down the middle of the sheet


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark that draws."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    return import_module("drawing")


@pytest.fixture
def page(drawing: ModuleType, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page of a network that reads digits well."""
    if not any(map(shutil.which, drawing.BROWSERS)):
        pytest.skip(f"none of {', '.join(drawing.BROWSERS)} is installed")
    predictor = Predictor(str(request.getfixturevalue("reader")))
    answer = partial(predict_drawing, predictor)
    problems: list[str] = []
    with DrawingServer(0, render_page(predictor), answer) as server, drawing.browsing() as page:
        threading.Thread(target=server.serve_forever, args=[0.01]).start()
        page.on("pageerror", lambda error: problems.append(error.message))
        page.on("console", lambda it: problems.extend([it.text] if it.type == "error" else []))
        page.goto(server.url)
        yield page
        server.shutdown()
    assert problems == []


def settled(page: Page) -> str:
    """The answer, once nothing is asked any more."""
    page.wait_for_selector("#answer[aria-busy=false]")
    return page.inner_text("#answer")


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
    percent = [float(bar.split()[-2]) for bar in page.locator("li").all_inner_texts()]
    assert sum(percent) == pytest.approx(100, abs=0.6)
    assert f"{np.argmax(percent)}: {max(percent):.1f} %" == answers[-1]
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
