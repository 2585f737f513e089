"""Drawing a digit: the command, its answers, and the page in a browser."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np
import pytest
import torch
from conftest import TINY, mnist_digits, refused
from PIL import Image, ImageDraw, ImageOps
from playwright.sync_api import Page, Route

from mnist_lightning import predict_images
from mnist_lightning.__main__ import main
from mnist_lightning.handwriting.draw import MARGIN, has_desktop, page_of, read
from mnist_lightning.handwriting.predictor import Reader

RUN = Path("logs/synthetic/version_0")
ODD = "a<i>\udcff.ckpt"  # a name that is neither HTML nor UTF-8
INVITATION = "With mouse or finger"
OPENER = build_opener(ProxyHandler({}))


@contextmanager
def drawing(*options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run the command in a process of its own; it and the page's address."""
    command = [sys.executable, "-m", "mnist_lightning", "draw", "--port", "0", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdout=pipe, stderr=pipe) as program:
        try:
            assert program.stdout
            yield program, next(line.split()[2] for line in program.stdout if "http" in line)
        finally:
            program.kill()


def said(url: str, content: bytes) -> dict[str, Any]:
    """The answer to a drawing."""
    answer: dict[str, Any] = json.load(OPENER.open(Request(f"{url}digit", content)))
    return answer


def sheet(path: str) -> str:
    picture = Image.new("RGBA", (400, 400), "white")
    line = [(120, 90), (280, 90), (170, 320)]
    ImageDraw.Draw(picture).line(line, fill="black", width=24)
    picture.save(path)
    return path


def test_an_answer_is_that_of_predict(workdir: Path) -> None:
    main(["fit", *TINY, "--data.normalize", "standard", "--report.figures", "false"])
    shutil.copy(RUN / "checkpoints" / "last.ckpt", ODD)
    content = Path(sheet("seven.png")).read_bytes()
    Image.new("L", (400, 400), "white").save("empty.png")
    Image.new("L", (1001, 1000), "white").save("large.png")
    with drawing("--ckpt_path", ODD, "--browser", "false") as (program, url):
        page = OPENER.open(url).read().decode()
        answer = said(url, content)
        assert said(url, content[:90]) == {"remark": "damaged"}
        assert said(url, Path("empty.png").read_bytes()) == {"remark": "no digit"}
        large = {"remark": "more than 1 million pixels"}
        assert said(url, Path("large.png").read_bytes()) == large
        program.send_signal(signal.SIGINT)
        assert program.communicate(timeout=10)[1] == "mnist-lightning: stopped by SIGINT\n"
        assert program.returncode == 130
        with pytest.raises(URLError, match="refused"):
            OPENER.open(url)
    assert r"Checkpoint a&lt;i&gt;\udcff.ckpt, trained on synthetic digits" in page
    assert "not on MNIST" in page
    ImageOps.expand(Image.open("seven.png"), MARGIN, "white").save("wide.png")
    (found,) = predict_images(["wide.png"], ODD)
    chances = answer["probabilities"]
    assert len(chances) == 10
    assert sum(chances) == pytest.approx(1, abs=1e-5)
    assert np.argsort(chances)[:-3:-1].tolist() == [found.digit, found.runner_up]
    assert max(chances) == pytest.approx(found.probability, abs=1e-5)
    image = np.reshape(answer["image"], (28, 28))
    assert 100 < np.count_nonzero(image) < 250
    assert image.max() == 255


@pytest.mark.skipif(sys.platform != "linux", reason="X11 and Wayland")
def test_the_page_opens_on_a_desktop(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["fit", *TINY, "--report.figures", "false"])
    browser = Path("browser")
    browser.write_text('#!/bin/sh\necho "$1" > opened\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser.absolute()))
    monkeypatch.setenv("DISPLAY", ":0")
    with drawing() as (_, url):
        time.sleep(1)
    assert Path("opened").read_text() == f"{url}\n"
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_desktop()


def test_networks_of_other_kinds(workdir: Path) -> None:
    """More classes, and a checkpoint that does not say how many."""
    main(["fit", *TINY, "--model.num_classes", "12", "--report.figures", "false"])
    reader = Reader("last")
    assert "digit < 12" in page_of(reader)
    answer = read(reader, Path(sheet("seven.png")).read_bytes())
    assert len(answer["probabilities"]) == 12
    main(["fit", *TINY, "--report.figures", "false"])
    kept = torch.load("logs/synthetic/version_1/checkpoints/last.ckpt", weights_only=True)
    del kept["hyper_parameters"]["num_classes"], kept["datamodule_hyper_parameters"]
    torch.save(kept, "bare.ckpt")
    page = page_of(Reader("bare.ckpt"))
    assert "digit < 10" in page
    assert "trained on unknown data" in page


def test_ink_along_the_edge_is_the_users(workdir: Path) -> None:
    main(["fit", *TINY, "--report.figures", "false"])
    picture = Image.new("L", (400, 400), "white")
    ImageDraw.Draw(picture).line([(0, 4), (399, 4), (150, 399)], fill="black", width=24)
    picture.save("big.png")
    assert "image" in read(Reader("last"), Path("big.png").read_bytes())


def test_an_answer_that_is_no_number(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["fit", *TINY, "--report.figures", "false"])
    reader = Reader("last")
    nothing = torch.full((10,), torch.nan)
    monkeypatch.setattr(reader, "probabilities", lambda digit: nothing)
    answer = read(reader, Path(sheet("seven.png")).read_bytes())
    assert answer == {"remark": "the network's answer is no number"}


def test_what_cannot_be_opened(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no checkpoint of a run" in refused(["draw"], capsys)
    assert "port is 65536: must be 0, or 1024 to 65535" in refused(
        ["draw", "--port", "65536"], capsys
    )
    assert "port is 80: must be 0, or" in refused(["draw", "--port", "80"], capsys)
    assert "port is any: must be an integer" in refused(["draw", "--port", "any"], capsys)
    main(["fit", *TINY, "--report.figures", "false"])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(["draw", "--port", str(port)], capsys)
    assert f"port is {port}: Address already in use; 0 takes any that is free" in line


@pytest.fixture(scope="module")
def browser(reader: Path) -> Iterator[Page]:
    """The page of a network that reads digits well, in a browser that finds no fault with it."""
    problems: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        from drawing import BROWSERS, browsing, serving

        if not any(map(shutil.which, BROWSERS)):
            pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
        with serving(str(reader)) as url, browsing() as page:
            page.on("pageerror", lambda error: problems.append(error.message))
            page.on("console", lambda it: problems.extend([it.text] if it.type == "error" else []))
            page.goto(url)
            yield page
    assert problems == []


@pytest.fixture
def page(browser: Page) -> Page:
    """The page, as when it was opened."""
    browser.unroute_all()
    browser.reload()
    return browser


def settled(page: Page) -> str:
    """The answer, once nothing is asked any more."""
    page.wait_for_selector("#answer[aria-busy=false]")
    return page.inner_text("#answer")


def ink_seen(page: Page) -> int:
    """Pixels of what the network saw that are not black."""
    pixels = "seen.getContext('2d').getImageData(0, 0, 28, 28).data"
    return int(page.evaluate(f"{pixels}.filter((value, i) => i % 4 == 0 && value).length"))


def test_digits_drawn_with_a_mouse(page: Page) -> None:
    """It follows the middle line of MNIST's test digits; the answers are read off the page."""
    from drawing import draw_digit, strokes

    assert page.inner_text("#answer") == INVITATION
    assert "trained on MNIST" in page.inner_text("body")
    images, labels = mnist_digits(10)
    answers = [draw_digit(page, strokes(image))[0] for image in images]
    right = [answer.startswith(f"{label}:") for answer, label in zip(answers, labels, strict=True)]
    assert np.mean(right) >= 0.9, answers
    percent = [float(bar.split()[1]) for bar in page.locator("li").all_inner_texts()]
    assert sum(percent) == pytest.approx(100, abs=0.6)
    assert f"{np.argmax(percent)}: {max(percent):.1f} %" == answers[-1]
    widths = [bar.bounding_box() for bar in page.locator("li div div").all()]
    shares = [100 * box["width"] for box in widths if box]
    full = page.locator("li > div").first.bounding_box()
    assert full
    assert np.array(shares) / full["width"] == pytest.approx(percent, abs=2)
    assert ink_seen(page) > 40
    page.click("#clear")
    assert (page.inner_text("#answer"), ink_seen(page)) == (INVITATION, 0)


def test_answers_while_the_pen_is_down(page: Page) -> None:
    from drawing import on_sheet

    first, second = on_sheet(page, [(0.5, 0.2), (0.5, 0.8)])
    page.mouse.move(*first)
    page.mouse.down()
    page.mouse.move(*second, steps=9)
    assert settled(page).startswith("1: ")


def test_a_finger_draws_too(page: Page) -> None:
    from drawing import on_sheet

    finger = page.context.new_cdp_session(page)
    for number, (x, y) in enumerate(on_sheet(page, [(0.5, 0.2 + i / 20) for i in range(12)])):
        touch = {"type": "touchMove" if number else "touchStart", "touchPoints": [{"x": x, "y": y}]}
        finger.send("Input.dispatchTouchEvent", touch)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert settled(page).startswith("1: ")


def test_no_answer_to_what_was_cleared(page: Page) -> None:
    from drawing import on_sheet

    held: list[Route] = []
    page.route("**/digit", lambda route: held.append(route))
    page.mouse.move(*on_sheet(page, [(0.5, 0.5)])[0])
    with page.expect_request("**/digit"):
        page.mouse.down()
    page.mouse.up()
    page.click("#clear")
    (asked,) = held
    asked.continue_()
    assert settled(page) == INVITATION
