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
from look_alikes import as_digits
from PIL import Image, ImageOps

from mnist_lightning import predict_images
from mnist_lightning.handwriting.predictor import Predictor

WORKER = Path(__file__).parent / "rapidocr_worker.py"
# of the modes 6, 7, 8, 10, 13 and 3, 4, 6, 7, 11 the best, on 40 digits and 24 numbers of other
# test images
SINGLE_MODE, SEVERAL_MODE = "10", "6"
LETTER = 60  # pixels; of 60, 100 and the picture's own size the best
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
    """Tesseract, with dark on light in the size that it was trained on, look-alikes forgiven.

    Told by tessedit_char_whitelist that there are digits alone it answers nothing more often: 8
    of 40 single digits were right, where 13 are in this way.
    """

    def read(paths: Sequence[Path], several: bool) -> list[Answer]:
        listed = paths[0].parent / "pictures.txt"
        listed.write_text("\n".join(str(_dark_on_light(path, several)) for path in paths))
        mode = several_mode if several else single
        command = ["tesseract", str(listed), "stdout", "--psm", mode]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        texts = [as_digits(page) for page in output.split("\f")[: len(paths)]]
        return [Answer(text if several else text[:1]) for text in texts]

    return read


def _dark_on_light(path: Path, several: bool) -> Path:
    """A file with the prepared picture in grey, inverted if dark; one digit as high as a letter."""
    grey = prepared(path).convert("L")
    if np.asarray(grey).mean() < LIGHT:
        grey = ImageOps.invert(grey)
    if not several:
        grey.thumbnail((LETTER, LETTER))
        grey = ImageOps.expand(grey, LETTER // 3, fill=int(np.median(np.asarray(grey))))
    saved = path.with_suffix(".grey.png")
    grey.save(saved)
    return saved


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
