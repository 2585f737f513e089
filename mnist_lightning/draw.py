"""The subcommand ``draw``."""

import os
import sys
import webbrowser
from concurrent.futures import Executor, ThreadPoolExecutor
from html import escape
from importlib.resources import files

import torch

from mnist_lightning.digit_image import to_mnist
from mnist_lightning.image_file import ImageError, decode_image
from mnist_lightning.own_images import NO_DIGIT
from mnist_lightning.page import SOURCES
from mnist_lightning.predict import Reader
from mnist_lightning.sketchpad import Answer, Sketchpad
from mnist_lightning.usage import UsageError

PORT = 8028
PORTS = range(2**16)


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
        raise UsageError(f"port is {port}: must be 0 to {PORTS[-1]}")
    reader = Reader(ckpt_path)
    print(f"Checkpoint: {reader.checkpoint}", flush=True)
    # one thread for all drawings: each that computes keeps helpers of its own
    with ThreadPoolExecutor(1) as network, _open(reader, port, network) as pad:
        print(f"Draw at {pad.url} (Ctrl-C ends it)", flush=True)
        if browser and _has_desktop():
            webbrowser.open(pad.url)
        pad.serve_forever()


def read(reader: Reader, drawing: bytes) -> Answer:
    """Tell the digit in a drawing.

    Args:
        reader: With the network.
        drawing: Content of a PNG, JPEG or BMP file.

    Returns:
        ``probabilities``, a number in [0, 1] for each class, and ``image``, the 784 pixels, 0 to
        255, that the network saw; or a ``remark`` that says why there are none.
    """
    try:
        digit = to_mnist(decode_image(drawing))
    except ImageError as error:
        return {"remark": str(error)}
    if digit is None:
        return {"remark": NO_DIGIT}
    probabilities = reader.probabilities(torch.from_numpy(digit))
    return {"probabilities": probabilities.tolist(), "image": digit.ravel().tolist()}


def _open(reader: Reader, port: int, network: Executor) -> Sketchpad:
    def answer(drawing: bytes) -> Answer:
        return network.submit(read, reader, drawing).result()

    try:
        return Sketchpad(port, _page(reader), answer)
    except OSError as error:
        reason = f"{error.strerror}; 0 takes any that is free"
        raise UsageError(f"port is {port}: {reason}") from error


def _page(reader: Reader) -> str:
    """The page, which says whose answers it shows."""
    source = str(reader.settings.data.get("source"))
    warning = '<p class="warning">Trained on synthetic digits, not on MNIST.</p>'
    about = (
        f'<p class="soft">Checkpoint {escape(str(reader.checkpoint))}, '
        f"trained on {SOURCES.get(source, 'other data')}</p>"
    )
    page = files(__package__).joinpath("sketchpad.html").read_text(encoding="utf-8")
    page = page.replace("CLASSES", str(reader.settings.model["num_classes"]))
    return page.replace("<!-- network -->", (warning if source == "synthetic" else "") + about)


def _has_desktop() -> bool:
    """Tell whether a browser would have a window of its own, and not take the terminal."""
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
