"""A trained network that reads pictures."""

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from mnist_lightning.checkpoints.runs import open_network
from mnist_lightning.data.pictures.framing import Digit
from mnist_lightning.data.pictures.ink import Ink
from mnist_lightning.data.pictures.picture_dataset import NO_DIGIT, PictureDataset
from mnist_lightning.data.source import DIGITS
from mnist_lightning.errors import UsageError
from mnist_lightning.handwriting.pictures import Picture, collect_pictures
from mnist_lightning.handwriting.prediction import (
    Prediction,
    Predictions,
    to_number,
    to_prediction,
    to_probabilities,
)
from mnist_lightning.handwriting.reading import Glyph, read_lines, read_whole
from mnist_lightning.handwriting.rejection import Rejection
from mnist_lightning.models.pretrained import FILE

if TYPE_CHECKING:
    from mnist_lightning.checkpoints.checkpoint import Kind

MOST = 0.6  # share of the pieces of ink that are digits where there are several


class Predictor:
    """A trained network on the CPU, and the scaling of its images; of ``open_network``.

    Of a network of digits it reads numbers of several, and refuses what is no digit.
    """

    def __init__(self, checkpoint: str | None, model: "Kind | None" = None) -> None:
        self.checkpoint = open_network(checkpoint, kind=model)
        self.scaling = self.checkpoint.scaling()
        self.source = self.checkpoint.source()
        self._module: nn.Module = self.checkpoint.module() if model else self.checkpoint.network()
        self._rejection = Rejection.from_pretrained() if self.source.classes == DIGITS else None

    @torch.inference_mode()
    def predict(self, images: Tensor) -> Tensor:
        """Probabilities of the classes, (B, C) float, for scaled images, (B, 1, 28, 28) float32."""
        name = type(self._module).__name__
        try:
            probabilities = to_probabilities(self._module(images))
        except Exception as error:  # another's module fails in any way
            raise UsageError(f"{name} fails with images (B, 1, 28, 28): {error}") from error
        if probabilities is None:
            raise UsageError(f"{name} gives no logits, (B, C) float, of images")
        return probabilities

    def read(self, ink: Ink) -> list[list[Glyph]]:
        """Read the ink of a picture: its digits, line by line; none where it shows no digit."""
        if not self._rejection:
            return [[read_whole(ink, self._judge)]]
        lines = read_lines(ink, self._judge)
        least = self._rejection.threshold
        glyphs = [glyph for line in lines for glyph in line]
        main = next(glyph for glyph in glyphs if glyph.holds(ink))
        share = sum(glyph.digit_probability >= least for glyph in glyphs) / len(glyphs)
        if share < MOST:  # what lies around is no writing
            return [[main]] if main.digit_probability >= least else []
        trimmed = [_trimmed(line, least) for line in lines]
        return [line for line in trimmed if line]

    def predict_picture(self, pictures: PictureDataset, index: int) -> Prediction:
        """Read a picture; ``pictures`` keeps what the network saw, (28, 28 n), and remarks."""
        file, ink = pictures.files[index], pictures.find(index)
        lines = self.read(ink) if ink else []
        if not lines:
            pictures.remarks[index] = pictures.remarks[index] or NO_DIGIT
            return Prediction(file, remark=pictures.remarks[index])
        pictures.digits[index] = np.hstack([glyph.image for line in lines for glyph in line])
        return self.name(file, lines)

    def name(self, file: Path, lines: Sequence[Sequence[Glyph]]) -> Prediction:
        """The prediction for what was read in a picture, at least one digit."""
        found = [[self._name(file, glyph) for glyph in line] for line in lines]
        return found[0][0] if len(found) == len(found[0]) == 1 else to_number(file, found)

    def _name(self, file: Path, glyph: Glyph) -> Prediction:
        if self._rejection and glyph.digit_probability < self._rejection.threshold:
            return Prediction(file, remark=NO_DIGIT)
        return to_prediction(file, glyph.probabilities, self.source.classes)

    def _judge(self, images: Sequence[Digit]) -> tuple[Tensor, Tensor]:
        """Calibrated probabilities, (B, C), and those that each of (28, 28) images is a digit."""
        pixels = torch.from_numpy(np.stack(images))[:, None]
        probabilities = self.predict(self.scaling(pixels))
        if not self._rejection:
            return probabilities, torch.ones(len(images))
        if self.checkpoint.path == FILE:
            probabilities = (probabilities.log() / self._rejection.temperature).softmax(dim=1)
        return probabilities, self._rejection.digit_probability(pixels / 255)


def predict_images(
    paths: Picture | Iterable[Picture],
    checkpoint: str | PathLike[str] | None = None,
    model: "Kind | None" = None,
) -> Predictions:
    """Predict the digits in pictures of any size, in order, as ``predict`` does.

    Args:
        paths: One or many: files in PNG, JPEG, BMP, GIF, WebP, TIFF or HEIC, folders of such, the
            bytes of such a file, PIL images, or arrays (H, W) or (H, W, 3), uint8 or float in
            [0, 1]; a digit or number in each, dark on light or light on dark.
        checkpoint: A path; ``last`` or ``best`` of the newest run; or ``pretrained``, the network
            that comes with the package. Default: the best, or else the last, of the newest run on
            real images, or else ``pretrained``. CheckpointError where it is missing, damaged or of
            another network.
        model: Class of the checkpoint where that is not MNISTClassifier, or a module of it, into
            a copy of which the weights are loaded; its ``forward`` gives logits, (B, C).
    """
    if not isinstance(checkpoint, str | PathLike | None):
        kind = type(checkpoint).__name__
        raise ValueError(f"checkpoint is a {kind}: must be a path, last, best or pretrained")
    if model is not None and not hasattr(model, "load_state_dict"):
        raise ValueError(f"model is {model!r}: must be a LightningModule, or its class")
    predictor = Predictor(None if checkpoint is None else str(checkpoint), model)
    files, contents = collect_pictures(paths)
    pictures = PictureDataset(files, predictor.scaling, contents)
    found = [predictor.predict_picture(pictures, i) for i in range(len(pictures))]
    return Predictions(found, str(predictor.checkpoint))


def _trimmed(line: list[Glyph], least: float) -> list[Glyph]:
    """Without what is no digit at both ends of a line."""
    places = [i for i, glyph in enumerate(line) if glyph.digit_probability >= least]
    return line[places[0] : places[-1] + 1] if places else []
