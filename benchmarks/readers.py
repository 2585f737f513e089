"""Who reads the pictures: this library, and what people would pick instead.

Tesseract is the program of the Debian package tesseract-ocr. RapidOCR has packages of its own in
an environment of its own, whose Python is named by --rapidocr_python:

    python -m venv peers && peers/bin/pip install rapidocr-onnxruntime
"""

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageOps

from mnist_lightning import predict_images
from mnist_lightning.handwriting.prediction import Predictor

WORKER = Path(__file__).parent / "rapidocr_worker.py"
# of those that read one character or a row, or a block, the best on 200 pictures of other digits
SINGLE_MODE, SEVERAL_MODE = "10", "6"
LIGHT = 127  # brightness from which a tutorial takes a picture for dark on light


class Answer(NamedTuple):
    """What a reader makes of a picture."""

    text: str  # digits, rows joined by newlines; "" for "no digit"
    probability: float | None = None  # that it is right; None where the reader has none


Reader = Callable[[Sequence[Path], bool], list[Answer]]  # pictures; may each hold several digits?


def ours(checkpoint: str | None) -> Reader:
    """This library, as ``predict`` reads."""

    def read(paths: Sequence[Path], several: bool) -> list[Answer]:
        answers = []
        for found in predict_images(paths, checkpoint):
            digit = "" if found.digit is None else str(found.digit)
            text = getattr(found, "number", "") or digit
            answers.append(Answer(text, found.probability))
        return answers

    return read


def tutorial(checkpoint: str | None) -> Reader:
    """The same network behind a tutorial's three lines: grey, 28 x 28, inverted if light."""
    predictor = Predictor(checkpoint)

    def read(paths: Sequence[Path], several: bool) -> list[Answer]:
        small = [prepared(path).convert("L").resize((28, 28)) for path in paths]
        values = np.stack([np.asarray(image) for image in small])
        values = np.where(values.mean((1, 2), keepdims=True) > LIGHT, 255 - values, values)
        images = predictor.scaling(torch.from_numpy(values.astype(np.uint8))[:, None])
        best = predictor.predict(images).max(dim=1)
        pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        return [Answer(str(digit), probability) for digit, probability in pairs]

    return read


def tesseract(single: str = SINGLE_MODE, several_mode: str = SEVERAL_MODE) -> Reader:
    """Tesseract, which is told that there are digits alone."""

    def read(paths: Sequence[Path], several: bool) -> list[Answer]:
        listed = paths[0].parent / "pictures.txt"
        listed.write_text("\n".join(str(_saved(path)) for path in paths), encoding="utf-8")
        mode = several_mode if several else single
        options = ["--psm", mode, "-c", "tessedit_char_whitelist=0123456789"]
        command = ["tesseract", str(listed), "stdout", *options]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        pages = output.split("\f")[: len(paths)]
        return [Answer(_rows(page)) for page in pages]

    return read


def rapidocr(python: str) -> Reader:
    """RapidOCR: recognition alone of single digits, rows found first where there are several."""

    def read(paths: Sequence[Path], several: bool) -> list[Answer]:
        task = {"paths": [str(_saved(path)) for path in paths], "several": several}
        output = subprocess.run(
            [python, str(WORKER)], input=json.dumps(task), capture_output=True, text=True
        )
        if output.returncode:
            raise OSError(output.stderr.strip().splitlines()[-1])
        return [Answer(text) for text in json.loads(output.stdout.splitlines()[-1])]

    return read


def prepared(path: Path) -> Image.Image:
    """A picture as a viewer shows it: turned as EXIF says, on white, 8 bits a colour."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
    if image.mode.startswith("I"):
        values = np.asarray(image, float)
        image = Image.fromarray((255 * values / max(values.max(), 1)).astype(np.uint8))
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _saved(path: Path) -> Path:
    """The prepared picture as a file, beside the other."""
    saved = path.with_suffix(".prepared.png")
    if not saved.exists():
        prepared(path).save(saved, compress_level=1)
    return saved


def _rows(page: str) -> str:
    rows = ("".join(row.split()) for row in page.splitlines())
    return "\n".join(row for row in rows if row)
