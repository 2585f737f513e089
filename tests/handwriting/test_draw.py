"""The command ``draw``: its answers, its page's text, and what it refuses."""

import io
import json
import os
import shutil
import signal
import socket
import sys
from contextlib import chdir
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import numpy as np
import pytest
import torch
from conftest import TINY, refused
from PIL import Image, ImageDraw

from mnist_lightning import predict_images
from mnist_lightning.__main__ import main
from mnist_lightning.handwriting.draw import draw, predict_drawing, render_page
from mnist_lightning.handwriting.predictor import Predictor
from mnist_lightning.handwriting.rejection import Rejection
from mnist_lightning.handwriting.server import DrawingServer

CLASSES = 12
ODD = "a<i>\udcff.ckpt"  # a name that is neither HTML nor UTF-8
SEVEN = [(120, 90), (280, 90), (170, 320)]


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Of a tiny network with more classes than digits, trained on standardised images."""
    options = ["--model.num_classes", str(CLASSES), "--data.normalize", "standard"]
    with chdir(folder := tmp_path_factory.mktemp("trained")):
        main(["fit", *TINY, *options])
    return Predictor(f"{folder}/logs/synthetic/version_0/checkpoints/last.ckpt")


@pytest.fixture
def checkpoint(predictor: Predictor) -> str:
    return str(predictor.checkpoint.path)


def sheet(line: list[tuple[int, int]], side: int = 400) -> bytes:
    """A line drawn as on the page, as PNG."""
    image, file = Image.new("RGBA", (side, side), "white"), io.BytesIO()
    ImageDraw.Draw(image).line(line, fill="black", width=24)
    image.save(file, "PNG")
    return file.getvalue()


def test_the_command_answers_until_it_is_stopped(
    checkpoint: str, workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    shutil.copy(checkpoint, ODD)
    fetch, serve = build_opener(ProxyHandler({})).open, DrawingServer.serve_forever
    pages, answers = [], []

    def use(url: str) -> None:
        try:
            pages.append(fetch(url))
            answers.append(json.load(fetch(f"{url}digit", sheet(SEVEN))))
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
        fetch(output.splitlines()[-1].split()[2])
    assert "frame-ancestors 'none'" in pages[0].headers["Content-Security-Policy"]
    assert r"Checkpoint: a&lt;i&gt;\udcff.ckpt, trained on synthetic" in pages[0].read().decode()
    assert len(answers[0]["probabilities"]) == CLASSES


@pytest.mark.usefixtures("workdir")
def test_an_answer_is_that_of_predict(predictor: Predictor, checkpoint: str) -> None:
    answer = predict_drawing(predictor, sheet(SEVEN))
    Path("same.png").write_bytes(sheet(SEVEN))
    (found,) = predict_images(["same.png"], checkpoint)
    probabilities = answer["probabilities"]
    assert sum(probabilities) == pytest.approx(1, abs=1e-5)
    assert np.argsort(probabilities)[:-3:-1].tolist() == [found.digit, found.runner_up]
    assert max(probabilities) == pytest.approx(found.probability, abs=1e-5)
    assert (len(answer["image"]), max(answer["image"])) == (784, 255)


def test_drawings_without_an_answer(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert predict_drawing(predictor, sheet(SEVEN)[:90]) == {"remark": "damaged"}
    assert predict_drawing(predictor, sheet([])) == {"remark": "no digit"}
    large = sheet(SEVEN, 1001)
    assert predict_drawing(predictor, large) == {"remark": "more than 1 million pixels"}
    monkeypatch.setattr(predictor, "predict", lambda images: torch.full((1, 10), torch.nan))
    remark = "the network's answer is no number"
    assert predict_drawing(predictor, sheet(SEVEN)) == {"remark": remark}


@pytest.mark.parametrize("sure", [0.5, 0.8])
def test_an_unsure_digit_and_a_number_are_remarked(
    reader: Path, sure: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of stand-ins that take each piece for a 7, or else a 1."""
    row = torch.zeros(10)
    row[7], row[1] = sure, 0.9 - sure
    predictor = Predictor(str(reader))
    monkeypatch.setattr(predictor, "predict", lambda images: row.expand(len(images), 10))
    monkeypatch.setattr(Rejection, "digit_probability", lambda _, images: torch.ones(len(images)))
    answer = predict_drawing(predictor, sheet(SEVEN))
    assert answer["probabilities"] == pytest.approx(row.tolist())
    assert answer.get("remark", "") == ("unsure: 7 or 1" if sure < 0.6 else "")
    two = Image.new("L", (800, 400), "white")
    seven = Image.open(io.BytesIO(sheet(SEVEN))).convert("L")
    for left in (0, 400):
        two.paste(seven, (left, 0))
    two.save(file := io.BytesIO(), "PNG")
    answer = predict_drawing(predictor, file.getvalue())
    assert answer["remark"] == f"77: 7 {sure:.1%}, 7 {sure:.1%}"
    assert (len(answer["image"]), "probabilities" in answer) == (784, False)


@pytest.mark.usefixtures("workdir")
def test_the_page_says_what_was_trained(predictor: Predictor, checkpoint: str) -> None:
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
def test_the_page_opens_on_a_desktop(checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Queue[str] = Queue()
    monkeypatch.setattr("webbrowser.open", opened.put)
    monkeypatch.setattr(DrawingServer, "serve_forever", lambda server: opened.get(timeout=2))
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    draw(ckpt_path=checkpoint, port=0)
    monkeypatch.setenv("DISPLAY", "")
    with pytest.raises(Empty):
        draw(ckpt_path=checkpoint, port=0)


def test_a_port_that_is_taken(checkpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(["draw", "--port", port, "--ckpt_path", checkpoint], capsys)
    assert f"port is {port}: Address already in use; 0 takes any that is free" in line


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("phone.example", "must be an IPv4 address, such as 0.0.0.0"),
        ("::", "must be an IPv4 address, such as 0.0.0.0"),
        ("203.0.113.9", "must be an address of this machine"),
    ],
)
def test_a_host_that_is_none(
    checkpoint: str, host: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(["draw", "--host", host, "--port", "0", "--ckpt_path", checkpoint], capsys)
    assert f"host is {host}: {reason}" in line
