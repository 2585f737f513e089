"""Drawing a digit: the command, its answers, and the page in a browser."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from conftest import TINY, mnist_digits, refused
from PIL import Image, ImageDraw

from mnist_lightning import predict_images
from mnist_lightning.__main__ import main

CHECKPOINT = "logs/synthetic/version_0/checkpoints/last.ckpt"


@contextmanager
def drawing(*options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Run the command in a process of its own; it and the page's address."""
    command = [sys.executable, "-m", "mnist_lightning", "draw", "--port", "0", *options]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*command, "--browser", "false"], text=True, **pipes) as program:  # type: ignore[call-overload]
        try:
            yield program, next(line.split()[2] for line in program.stdout if "http" in line)
        finally:
            program.kill()


def sheet(path: str) -> str:
    picture = Image.new("RGBA", (400, 400), "white")
    line = [(120, 90), (280, 90), (170, 320)]
    ImageDraw.Draw(picture).line(line, fill="black", width=24)
    picture.save(path)
    return path


def test_an_answer_is_that_of_predict(workdir: Path) -> None:
    main(["fit", *TINY, "--data.normalize", "standard", "--report.figures", "false"])
    content = Path(sheet("seven.png")).read_bytes()
    with drawing() as (program, url):
        page = urlopen(url).read().decode()
        answer = json.loads(urlopen(Request(f"{url}digit", content)).read())
        damaged = json.loads(urlopen(Request(f"{url}digit", content[:90])).read())
        Image.new("L", (400, 400), "white").save("empty.png")
        empty = Request(f"{url}digit", Path("empty.png").read_bytes())
        nothing = json.loads(urlopen(empty).read())
        program.send_signal(signal.SIGINT)
        assert program.wait(timeout=10) == 130
        assert program.communicate()[1] == "mnist-lightning: stopped by SIGINT\n"
        with pytest.raises(URLError, match="refused"):
            urlopen(url)
    assert f"Checkpoint {CHECKPOINT}, trained on synthetic digits" in page
    assert "not on MNIST" in page
    (found,) = predict_images(["seven.png"], CHECKPOINT)
    chances = answer["probabilities"]
    assert len(chances) == 10
    assert sum(chances) == pytest.approx(1, abs=1e-5)
    assert np.argsort(chances)[:-3:-1].tolist() == [found.digit, found.runner_up]
    assert max(chances) == pytest.approx(found.probability, abs=1e-5)
    image = np.reshape(answer["image"], (28, 28))
    assert 100 < np.count_nonzero(image) < 250
    assert image.max() == 255
    assert (damaged, nothing) == ({"remark": "damaged"}, {"remark": "no digit"})


def test_what_cannot_be_opened(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no checkpoint of a run" in refused(["draw"], capsys)
    assert "port is 65536: must be 0 to 65535" in refused(["draw", "--port", "65536"], capsys)
    assert "port is -1: must be" in refused(["draw", "--port", "-1"], capsys)
    assert "port is any: must be an integer" in refused(["draw", "--port", "any"], capsys)
    main(["fit", *TINY, "--report.figures", "false"])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(["draw", "--port", str(port)], capsys)
    assert f"port is {port}: Address already in use; 0 takes any that is free" in line


def test_digits_drawn_in_a_browser(reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mouse follows the middle line of MNIST's test digits; the answer is read off the page."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    from drawing import BROWSERS, browsing, draw_digit, serving, strokes

    if not any(map(shutil.which, BROWSERS)):
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    images, labels = mnist_digits(10)
    with serving(str(reader)) as url, browsing(url) as page:
        problems: list[object] = []
        page.on("pageerror", lambda error: problems.append(error))
        page.on("console", lambda message: problems.append(message.text))
        assert page.inner_text("#answer") == "With mouse or finger, 0 to 9"
        answers = [draw_digit(page, strokes(image))[0] for image in images]
        bars = page.locator("li").all_inner_texts()
        page.click("#clear")
        assert page.inner_text("#answer") == "With mouse or finger, 0 to 9"
        assert "trained on MNIST" in page.inner_text("body")
    right = [answer.startswith(f"{label}:") for answer, label in zip(answers, labels, strict=True)]
    assert np.mean(right) >= 0.9, answers
    percent = [float(bar.split()[1]) for bar in bars]
    assert sum(percent) == pytest.approx(100, abs=0.6)
    assert f"{np.argmax(percent)}: {max(percent):.1f} %" == answers[-1]
    assert problems == []
