"""Draw MNIST's test digits on the page of ``draw`` with a mouse, and count those read right."""

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import numpy as np
from drawings import NEIGHBOURS, enlarged, thinned
from machine import describe, one_line
from numpy.typing import NDArray
from playwright.sync_api import Page, sync_playwright

from mnist_lightning.data.datasets import MNIST
from mnist_lightning.report.scores import wilson_interval

HERE = Path(__file__).parent
BROWSERS = ("chromium", "google-chrome", "chromium-browser")
SPUR = 8  # of 280 pixels: shorter lines are left over where strokes meet
SHOWN = 2  # the digit in the picture
STRIDE = 6  # pixels between the places of the mouse
SLOW = 0.5  # seconds after the last stroke that a person notices

Point = tuple[float, float]


def strokes(digit: NDArray[np.uint8]) -> list[list[Point]]:
    """Follow the middle line of a digit, (28, 28) uint8, as a pen would; x and y in [0, 1)."""
    ink = np.asarray(enlarged(digit, np.random.default_rng()))
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(thinned(ink > 110)), strict=True)}
    lines: list[list[Point]] = []
    while left:
        ends = [point for point in left if len(_near(point, left)) == 1]
        line = [min(ends or left)]
        left.remove(line[0])
        while near := _near(line[-1], left):
            y, x = line[-1]
            before_y, before_x = line[-min(len(line), 12)]
            ahead = max(
                near, key=lambda it: (it[0] - y) * (y - before_y) + (it[1] - x) * (x - before_x)
            )
            line.append(ahead)
            left.remove(ahead)
        if len(line) > SPUR or not lines:
            lines.append([(x / len(ink), y / len(ink)) for y, x in [*line[::STRIDE], line[-1]]])
    return lines


def _near(point: tuple[int, int], among: set[tuple[int, int]]) -> list[tuple[int, int]]:
    y, x = point
    return [(y + dy, x + dx) for dy, dx in NEIGHBOURS if (y + dy, x + dx) in among]


@contextmanager
def serving(checkpoint: str) -> Iterator[str]:
    """Run ``draw``; the address of its page."""
    options = ["--ckpt_path", checkpoint, "--port", "0", "--browser", "false"]
    command = [sys.executable, "-m", "mnist_lightning", "draw", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        url = next((line.split()[2] for line in program.stdout if "http://" in line), None)
        if url is None:
            raise SystemExit(program.wait())  # the program has said why
        try:
            yield url
        finally:
            program.terminate()


@contextmanager
def busy() -> Iterator[None]:
    """Keep a core busy."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as program:
        try:
            yield
        finally:
            program.kill()


@contextmanager
def browsing() -> Iterator[Page]:
    """Start a browser without a window, on a screen that can be touched; its empty page."""
    found = [path for name in BROWSERS if (path := shutil.which(name))]
    if not found:
        raise SystemExit(f"none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found[0])
        yield browser.new_page(viewport={"width": 840, "height": 600}, has_touch=True)
        browser.close()


def on_sheet(page: Page, line: list[Point]) -> list[Point]:
    """Where points of the sheet, [0, 1), lie on the page, in pixels."""
    sheet = page.locator("#sheet").bounding_box()
    assert sheet
    return [(sheet["x"] + x * sheet["width"], sheet["y"] + y * sheet["height"]) for x, y in line]


def draw_digit(page: Page, lines: list[list[Point]]) -> tuple[str, float]:
    """Draw on a clear sheet; the answer, and the seconds it took after the last stroke."""
    page.click("#clear")
    for line in lines:
        first, *others = on_sheet(page, line)
        page.mouse.move(*first)
        page.mouse.down()
        for place in others:
            page.mouse.move(*place)
        page.mouse.up()
    start = time.perf_counter()
    page.wait_for_selector("#answer[aria-busy=false]")
    return page.inner_text("#answer"), time.perf_counter() - start


def main() -> None:
    """Draw, count, write JSON and a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", help="as of draw's --ckpt_path")
    parser.add_argument("--name", default="fast", help="part of the results file's name")
    parser.add_argument("--count", type=int, default=500, help="digits")
    parser.add_argument("--busy", type=int, default=0, help="processes that compute meanwhile")
    parser.add_argument("--data_dir", type=Path, default=Path("data"), help="where MNIST lies")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder to write to")
    given = parser.parse_args()
    images, labels = MNIST.read(given.data_dir, train=False)
    right, seconds = 0, []
    with ExitStack() as beside, serving(given.checkpoint) as url, browsing() as page:
        for _ in range(given.busy):
            beside.enter_context(busy())
        page.goto(url)
        for image, label in zip(images[: given.count, 0].numpy(), labels.tolist(), strict=False):
            answer, waited = draw_digit(page, strokes(image))
            right += answer.startswith(f"{label}:")
            seconds.append(waited)
            if len(seconds) == SHOWN:
                page.screenshot(path=given.results / f"drawing-{given.name}.png")
    machine, command = describe(), shlex.join(["python", *sys.argv])
    slow = sum(each > SLOW for each in seconds)
    figures = {"drawn": given.count, "right": right, "median_seconds": round(median(seconds), 4)}
    figures |= {"slow": slow, "most_seconds": round(max(seconds), 4), "busy": given.busy}
    data = {"command": command, "machine": machine, **figures}
    path = given.results / f"drawing-{given.name}.json"
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    low, high = wilson_interval(right, given.count)
    print(f"{right} of {given.count} right, {right / given.count:.1%} ({low:.1%} to {high:.1%})")
    print(f"{1e3 * median(seconds):.0f} ms from the last stroke to the answer, in the median")
    print(f"{slow} above {SLOW} s beside {given.busy} busy processes, {max(seconds):.2f} s at most")
    print(command, one_line(machine), sep="\n")


if __name__ == "__main__":
    main()
