"""The subcommand ``draw``."""

import os
import sys
import webbrowser
from errno import EADDRNOTAVAIL
from functools import partial
from html import escape
from importlib.resources import files
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from string import Template
from threading import Thread
from typing import Any

import torch

from mnist_lightning.checkpoints.kind import find_class
from mnist_lightning.data.pictures.decoding import ImageError, decode_image
from mnist_lightning.data.pictures.framing import IMAGE_SIZE
from mnist_lightning.data.pictures.ink import find_ink
from mnist_lightning.data.pictures.picture_dataset import NO_DIGIT
from mnist_lightning.errors import UsageError, printable
from mnist_lightning.handwriting.prediction import NO_NUMBER
from mnist_lightning.handwriting.predictor import Predictor
from mnist_lightning.handwriting.server import HOST, DrawingServer

MAX_PIXELS = 1_000_000  # of a drawing; a picture that the page sends has 640,000
BAR = "<li>{}<progress></progress><span></span></li>"


def draw(
    *,
    ckpt_path: str | None = None,
    model: str | None = None,
    port: int = 8028,
    browser: bool = True,
    host: str = HOST,
) -> None:
    """Open a page to draw a digit on, read while you draw.

    Args:
        ckpt_path: Checkpoint; last or best of the newest run; or pretrained, the network that comes
            with the package. Default: the newest run on real images, or else pretrained.
        model: Import path of the checkpoint's class, where that is not MNISTClassifier.
        port: Of the page; 0: any that is free.
        browser: Show the page in the desktop's browser.
        host: IPv4 address of this machine to serve at, or 0.0.0.0 for all it has, so that a phone
            in the same network can open the page, by a secret in its address, new each time;
            default: for this machine alone.
    """
    if port not in (0, *range(1024, 65536)):  # the others are the system's
        raise UsageError(f"port is {port}: must be 0, or 1024 to 65535")
    try:
        IPv4Address(host)
    except AddressValueError as error:
        raise UsageError(f"host is {host}: must be an IPv4 address, such as 0.0.0.0") from error
    predictor = Predictor(ckpt_path, find_class(model))
    print(predictor.checkpoint, flush=True)
    page = render_page(predictor)
    try:
        server = DrawingServer(port, page, partial(predict_drawing, predictor), host)
    except OSError as error:
        if error.errno == EADDRNOTAVAIL:
            raise UsageError(f"host is {host}: must be an address of this machine") from error
        raise UsageError(f"port is {port}: {error.strerror}; 0 takes any that is free") from error
    with server:
        print(f"Draw at {server.url} (Ctrl-C ends it)", flush=True)
        # without a desktop a browser would take the terminal; in a thread, as it starts slowly
        desktop = sys.platform != "linux" or any(map(os.getenv, ("DISPLAY", "WAYLAND_DISPLAY")))
        if browser and desktop:
            Thread(target=webbrowser.open, args=[server.url], daemon=True).start()
        server.serve_forever()


def predict_drawing(predictor: Predictor, drawing: bytes) -> dict[str, Any]:
    """Predict the digit in a drawing or picture, the content of an image file, as ``predict`` does.

    Gives ``probabilities``, a number in [0, 1] for each class, and ``image``, the 784 pixels, 0 to
    255, that the network saw; or a ``remark`` that says why there are none, what else the digit may
    be, or which number it is where there are several.
    """
    try:
        ink = find_ink(decode_image(drawing, MAX_PIXELS))
    except ImageError as error:
        return {"remark": str(error)}
    lines = predictor.read(ink) if ink else []
    glyphs = [glyph for line in lines for glyph in line]
    if not glyphs:
        return {"remark": NO_DIGIT}
    if not all(glyph.probabilities.isfinite().all() for glyph in glyphs):  # JSON has no word for it
        return {"remark": NO_NUMBER}
    found = predictor.name(Path(), lines)
    if found.digits:
        each = ", ".join(f"{one.number or '?'} {one.probability or 0:.1%}" for one in found.digits)
        return {"remark": f"{found.number}: {each}", "image": glyphs[0].image.ravel().tolist()}
    answer: dict[str, Any] = {"probabilities": glyphs[0].probabilities.tolist()}
    return answer | {"image": glyphs[0].image.ravel().tolist()} | _remark(found.remark)


def _remark(text: str) -> dict[str, str]:
    return {"remark": text} if text else {}


def render_page(predictor: Predictor) -> str:
    """HTML of the page, with the checkpoint and what it was trained on."""
    # a first answer, so that the user's first is as quick as the others
    predictor.predict(torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE))
    source = predictor.source
    page = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    return page.substitute(
        bars="".join(BAR.format(escape(name)) for name in source.classes),
        checkpoint=escape(str(predictor.checkpoint)),
        data=escape(printable(source.title)),
        hidden="hidden" if source.name != "synthetic" else "",
        width=max(1.4, 0.55 * max(map(len, source.classes))),
    )
