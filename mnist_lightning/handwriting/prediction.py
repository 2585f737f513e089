"""Predictions for pictures of digits."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mnist_lightning.checkpoints.runs import open_network
from mnist_lightning.data.pictures.picture_dataset import PictureDataset
from mnist_lightning.data.source import class_labels
from mnist_lightning.errors import UsageError, printable
from mnist_lightning.handwriting.pictures import Picture, collect_pictures
from mnist_lightning.handwriting.table import format_table

if TYPE_CHECKING:
    from mnist_lightning.checkpoints.checkpoint import Kind

NO_NUMBER = "the network's answer is no number"


@dataclass(frozen=True)
class Prediction:
    """The two most probable digits of a picture, or a remark that says why there are none.

    Of a network that reads other classes than digits they are the names of these.

    Attributes:
        file: The picture.
        digit: The most probable; as the next three, None where there is a remark.
        probability: Its probability, [0, 1].
        runner_up: The next.
        runner_up_probability: Its probability, [0, 1].
        remark: Why there is no digit; "" where there is one.
    """

    file: Path
    digit: int | str | None = None
    probability: float | None = None
    runner_up: int | str | None = None
    runner_up_probability: float | None = None
    remark: str = ""

    def to_row(self) -> list[object]:
        """The fields for a CSV file, where a file's name is never a formula."""
        name = printable(str(self.file))
        # a spreadsheet would compute it, full-width signs too; with ./ it is the same file
        formula = unicodedata.normalize("NFKC", name).startswith(("=", "+", "-", "@"))
        values = (f"{x:.6f}" if isinstance(x, float) else x for x in astuple(self)[1:])
        return [f"./{name}" if formula else name, *values]


class Predictions(list[Prediction]):
    """Predictions in order, which print as a table."""

    def __init__(self, predictions: Iterable[Prediction], network: str) -> None:
        super().__init__(predictions)
        self.network = network  # says which one answered

    def __str__(self) -> str:
        """The table, and which network answered."""
        return f"{format_table(self)}\n{self.network}"


class Predictor:
    """A trained network on the CPU, and the scaling of its images; of ``open_network``."""

    def __init__(self, checkpoint: str | None, model: "Kind | None" = None) -> None:
        self.checkpoint = open_network(checkpoint, kind=model)
        self.scaling = self.checkpoint.scaling()
        self.source = self.checkpoint.source()
        self._module: nn.Module = self.checkpoint.module() if model else self.checkpoint.network()

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


def predict_images(
    paths: Picture | Iterable[Picture],
    checkpoint: str | PathLike[str] | None = None,
    model: "Kind | None" = None,
) -> Predictions:
    """Predict the digits in pictures of any size, in order, as ``predict`` does.

    Args:
        paths: One or many: files in PNG, JPEG, BMP, GIF, WebP, TIFF or HEIC, folders of such, the
            bytes of such a file, PIL images, or arrays (H, W) or (H, W, 3), uint8 or float in
            [0, 1]; one digit in each, dark on light or light on dark.
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
    images = (pictures[i][0] for i in range(len(pictures)))
    rows = [predictor.predict(image[None])[0] for image in images]
    found = to_predictions(pictures, rows, predictor.source.classes)
    return Predictions(found, str(predictor.checkpoint))


def to_probabilities(answer: Any) -> Tensor | None:
    """Probabilities, (B, C), of what a module answers: its own, or those of logits, or None."""
    if isinstance(answer, Mapping):
        answer = answer.get("probabilities")
        return answer if isinstance(answer, Tensor) else None
    logits = isinstance(answer, Tensor) and answer.dim() == 2 and answer.is_floating_point()
    return answer.softmax(dim=1) if logits else None


def to_predictions(
    pictures: PictureDataset, probabilities: Iterable[Tensor], classes: Sequence[str]
) -> list[Prediction]:
    """Take the top two classes of each picture, by its probabilities, (C,) float."""
    predictions = []
    for file, remark, row in zip(pictures.files, pictures.remarks, probabilities, strict=False):
        (first, second), indices = (each.tolist() for each in row.topk(2))
        digit, runner_up = (class_labels(classes, len(row))[i] for i in indices)
        found = Prediction(file, digit, first, runner_up, second)
        if not (remark or row.isfinite().all()):
            remark = NO_NUMBER
        predictions.append(Prediction(file, remark=remark) if remark else found)
    return predictions
