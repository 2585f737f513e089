"""The command ``draw``: its answers, its page's text, and what it refuses."""

import io
import json
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

import numpy as np
import pytest
import torch
from conftest import TINY, refused
from PIL import Image, ImageDraw, ImageOps

from mnist_lightning import predict_images
from mnist_lightning.__main__ import main
from mnist_lightning.handwriting.draw import MARGIN, draw, predict_drawing, render_page
from mnist_lightning.handwriting.prediction import Predictor
from mnist_lightning.handwriting.server import DrawingServer

CLASSES = 12
ODD = "a<i>\udcff.ckpt"  # a name that is neither HTML nor UTF-8
SEVEN = [(120, 90), (280, 90), (170, 320)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a tiny network with more classes than digits, trained on standardised images."""
    folder = tmp_path_factory.mktemp("trained")
    options = ["--model.num_classes", str(CLASSES), "--data.normalize", "standard"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main(["fit", *TINY, *options, "--report.figures", "false"])
    return folder / "logs/synthetic/version_0/checkpoints/last.ckpt"


@pytest.fixture
def predictor(checkpoint: Path) -> Predictor:
    return Predictor(str(checkpoint))


def sheet(line: list[tuple[int, int]], size: tuple[int, int] = (400, 400)) -> Image.Image:
    """A line drawn as on the page."""
    image = Image.new("RGBA", size, "white")
    ImageDraw.Draw(image).line(line, fill="black", width=24)
    return image


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_the_command_answers_until_it_is_stopped(
    checkpoint: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    shutil.copy(checkpoint, ODD)
    opener, serve = build_opener(ProxyHandler({})), DrawingServer.serve_forever
    answers: list[Any] = []

    def use(url: str) -> None:
        try:
            answers.append(opener.open(url).read().decode())
            answers.append(json.load(opener.open(Request(f"{url}digit", png(sheet(SEVEN))))))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    def serve_one(server: DrawingServer) -> None:
        Thread(target=use, args=[server.url]).start()
        serve(server)

    monkeypatch.setattr(DrawingServer, "serve_forever", serve_one)
    with pytest.raises(SystemExit, match="130"):
        main(["draw", "--port", "0", "--browser", "false", "--ckpt_path", ODD])
    output, errors = capsys.readouterr()
    assert errors == "mnist-lightning: stopped by SIGINT\n"
    with pytest.raises(URLError, match="refused"):
        opener.open(output.splitlines()[-1].split()[2])
    page, answer = answers
    assert r"Checkpoint a&lt;i&gt;\udcff.ckpt, trained on synthetic digits" in page
    assert len(answer["probabilities"]) == CLASSES


def test_an_answer_is_that_of_predict(
    checkpoint: Path, predictor: Predictor, workdir: Path
) -> None:
    answer = predict_drawing(predictor, png(sheet(SEVEN)))
    ImageOps.expand(sheet(SEVEN), MARGIN, "white").save("wide.png")
    (found,) = predict_images(["wide.png"], checkpoint)
    probabilities = answer["probabilities"]
    assert len(probabilities) == CLASSES
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert np.argsort(probabilities)[:-3:-1].tolist() == [found.digit, found.runner_up]
    assert max(probabilities) == pytest.approx(found.probability, abs=1e-5)
    image = np.reshape(answer["image"], (28, 28))
    assert 100 < np.count_nonzero(image) < 250
    assert image.max() == 255
    edge = sheet([(0, 4), (399, 4), (150, 399)])
    assert "image" in predict_drawing(predictor, png(edge)), "ink along the edge is the user's"


def test_drawings_without_an_answer(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    def remark(content: bytes) -> str:
        answer = predict_drawing(predictor, content)
        assert answer.keys() == {"remark"}
        return str(answer["remark"])

    assert remark(png(sheet(SEVEN))[:90]) == "damaged"
    assert remark(png(sheet([]))) == "no digit"
    assert remark(png(sheet(SEVEN, (1001, 1000)))) == "more than 1 million pixels"
    monkeypatch.setattr(predictor, "predict", lambda images: torch.full((1, 10), torch.nan))
    assert remark(png(sheet(SEVEN))) == "the network's answer is no number"


def test_the_page_says_what_was_trained(
    checkpoint: Path, predictor: Predictor, workdir: Path
) -> None:
    page = render_page(predictor)
    assert page.count("<li>") == CLASSES
    assert '<p class="warning" >Trained on synthetic digits, not on MNIST.' in page
    content = torch.load(checkpoint, weights_only=True)
    del content["datamodule_hyper_parameters"]
    torch.save(content, "bare.ckpt")
    page = render_page(Predictor("bare.ckpt"))
    assert "trained on unknown data" in page
    assert '<p class="warning" hidden>' in page


@pytest.mark.skipif(sys.platform != "linux", reason="X11 and Wayland")
def test_the_page_opens_on_a_desktop(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Queue[str] = Queue()
    monkeypatch.setattr("webbrowser.open", opened.put)
    monkeypatch.setattr(DrawingServer, "serve_forever", lambda server: opened.get(timeout=2))
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    draw(ckpt_path=str(checkpoint), port=0)
    monkeypatch.setenv("DISPLAY", "")
    with pytest.raises(Empty):
        draw(ckpt_path=str(checkpoint), port=0)


def test_what_cannot_be_opened(
    checkpoint: Path, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no checkpoint of a run" in refused(["draw"], capsys)
    for port in ("65536", "80"):
        line = refused(["draw", "--port", port], capsys)
        assert f"port is {port}: must be 0, or 1024 to 65535" in line
    assert "port is any: must be an integer" in refused(["draw", "--port", "any"], capsys)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(["draw", "--port", port, "--ckpt_path", str(checkpoint)], capsys)
    assert f"port is {port}: Address already in use; 0 takes any that is free" in line
