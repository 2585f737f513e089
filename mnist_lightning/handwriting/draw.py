"""The subcommand ``draw``."""

import os
import sys
import webbrowser
from collections.abc import Callable
from html import escape
from importlib.resources import files
from threading import Lock, Thread

import numpy as np
import torch

from mnist_lightning.data.datamodule import TITLES
from mnist_lightning.data.pictures.folder import NO_DIGIT
from mnist_lightning.data.pictures.framing import IMAGE_SIZE, to_mnist
from mnist_lightning.data.pictures.image_file import ImageError, decode_image
from mnist_lightning.errors import UsageError, printable
from mnist_lightning.handwriting.predictor import Reader
from mnist_lightning.handwriting.sketchpad import Answer, Sketchpad

PORT = 8028
PORTS = (0, *range(1024, 2**16))  # the others are the system's
MOST_PIXELS = 1_000_000  # of a drawing; the page's sheet has 160,000
MARGIN = 20  # pixels around the sheet, so that ink at its edge does not come from beyond
PATIENCE = 1.0  # seconds to wait for the answer under way at the end


def draw(*, ckpt_path: str | None = None, port: int = PORT, browser: bool = True) -> None:
    """Open a page to draw a digit on, read while you draw.

    Args:
        ckpt_path: Checkpoint, or last or best of the newest run; default: that run's best, if it
            has one, else its last.
        port: Of the page, which this machine alone can open; 0: any that is free.
        browser: Show the page in the desktop's browser.

    Raises:
        UsageError: The port cannot be had.
        CheckpointError: There is no checkpoint, or none that is sound.
    """
    if port not in PORTS:
        raise UsageError(f"port is {port}: must be 0, or {PORTS[1]} to {PORTS[-1]}")
    reader, one_by_one = Reader(ckpt_path), Lock()

    def answer(drawing: bytes) -> Answer:
        with one_by_one:
            return read(reader, drawing)

    print(f"Checkpoint: {printable(str(reader.checkpoint.path))}", flush=True)
    with _open(port, page_of(reader), answer) as pad:
        print(f"Draw at {pad.url} (Ctrl-C ends it)", flush=True)
        if browser and has_desktop():  # which may take its time
            Thread(target=webbrowser.open, args=[pad.url], daemon=True).start()
        try:
            pad.serve_forever()
        finally:
            one_by_one.acquire(timeout=PATIENCE)  # and no other begins


def read(reader: Reader, drawing: bytes) -> Answer:
    """Tell the digit in a drawing.

    Args:
        reader: With the network.
        drawing: Content of a PNG, JPEG or BMP file; dark on a white sheet.

    Returns:
        ``probabilities``, a number in [0, 1] for each class, and ``image``, the 784 pixels, 0 to
        255, that the network saw; or a ``remark`` that says why there are none.
    """
    try:
        sheet = decode_image(drawing, MOST_PIXELS)
    except ImageError as error:
        return {"remark": str(error)}
    digit = to_mnist(np.pad(sheet, MARGIN, constant_values=1))
    if digit is None:
        return {"remark": NO_DIGIT}
    image = reader.scaling(torch.from_numpy(digit)[None, None])
    probabilities = reader.probabilities(image)[0]
    if not probabilities.isfinite().all():
        return {"remark": "the network's answer is no number"}
    return {"probabilities": probabilities.tolist(), "image": digit.ravel().tolist()}


def page_of(reader: Reader) -> str:
    """The page, which says whose answers it shows."""
    # a first answer, so that the user's first is as quick as the others
    blank = torch.zeros(1, 1, IMAGE_SIZE, IMAGE_SIZE)
    classes = reader.probabilities(blank).shape[1]
    source = str(reader.checkpoint.data.get("source"))
    warning = '<p class="warning">Trained on synthetic digits, not on MNIST.</p>'
    about = (
        f'<p class="soft">Checkpoint {escape(printable(str(reader.checkpoint.path)))}, '
        f"trained on {TITLES.get(source, 'unknown data')}</p>"
    )
    page = files(__package__).joinpath("sketchpad.html").read_text(encoding="utf-8")
    page = page.replace("CLASSES", str(classes))
    page = page.replace("<!-- warning -->", warning if source == "synthetic" else "")
    return page.replace("<!-- network -->", about)


def has_desktop() -> bool:
    """Tell whether a browser would have a window of its own, and not take the terminal."""
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )


def _open(port: int, page: str, answer: Callable[[bytes], Answer]) -> Sketchpad:
    try:
        return Sketchpad(port, page, answer)
    except OSError as error:
        reason = f"{error.strerror}; 0 takes any that is free"
        raise UsageError(f"port is {port}: {reason}") from error
