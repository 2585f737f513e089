"""The subcommand ``predict``, for pictures and without a Trainer."""

from pathlib import Path

from mnist_lightning.checkpoints.runs import Run
from mnist_lightning.data.pictures.picture_dataset import PictureDataset, list_pictures
from mnist_lightning.data.source import class_labels, noun_of
from mnist_lightning.errors import printable
from mnist_lightning.handwriting.prediction import Predictor, to_predictions
from mnist_lightning.handwriting.table import (
    INPUTS,
    format_table,
    refuse_unreadable,
    save_inputs,
    write_predictions,
)

FILE = "predictions.csv"


def predict_pictures(
    predict_path: str, ckpt_path: str | None = None, keep_inputs: bool = False
) -> Run:
    """Print and write the predictions for a picture or a folder of pictures.

    Args:
        predict_path: Image of a digit, or folder of such.
        ckpt_path: As for ``predict_images``.
        keep_inputs: Keep the images as the network saw them.
    """
    files = list_pictures(Path(predict_path))
    predictor = Predictor(ckpt_path)
    checkpoint = predictor.checkpoint
    print(checkpoint, flush=True)
    if predictor.source.name == "synthetic":
        print("The network was trained on SYNTHETIC DIGITS: expect more mistakes.", flush=True)
    pictures = PictureDataset(files, predictor.scaling)
    rows = [predictor.predict(pictures[i][0][None])[0] for i in range(len(pictures))]
    found = to_predictions(pictures, rows, predictor.source.classes)
    labels = class_labels(predictor.source.classes, len(rows[0]))
    print(format_table(found), flush=True)
    checkpoint.folder.mkdir(parents=True, exist_ok=True)
    write_predictions(path := checkpoint.folder / FILE, found, noun_of(labels))
    if keep_inputs:
        save_inputs(pictures, checkpoint.folder / INPUTS)
    print(f"Predictions: {printable(str(path))}", flush=True)
    refuse_unreadable(found, Path(predict_path))
    return Run(checkpoint.folder, {}, checkpoint.path)
