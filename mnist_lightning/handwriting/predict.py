"""The subcommand ``predict``, for pictures and without a Trainer."""

from collections.abc import Sequence
from pathlib import Path

from mnist_lightning.checkpoints.runs import Run
from mnist_lightning.data.pictures.listing import list_labelled
from mnist_lightning.data.pictures.picture_dataset import PictureDataset
from mnist_lightning.data.source import noun_of
from mnist_lightning.handwriting.predictor import Predictor
from mnist_lightning.handwriting.results import refuse_unreadable, write_results

FILE = "predictions.csv"


def predict_pictures(
    paths: Sequence[str],
    ckpt_path: str | None = None,
    recursive: bool = False,
    keep_inputs: bool = False,
) -> Run:
    """Print and write the predictions for pictures, and their score where labels are known.

    Args:
        paths: Pictures of a digit, folders of such, or tables of such with their labels.
        ckpt_path: As for ``predict_images``.
        recursive: Read folders in folders.
        keep_inputs: Keep the images as the network saw them.
    """
    predictor = Predictor(ckpt_path)
    checkpoint, classes = predictor.checkpoint, predictor.source.classes
    found = [each for path in paths for each in list_labelled(Path(path), recursive, classes)]
    files, labels = zip(*found, strict=True)
    print(checkpoint, flush=True)
    if predictor.source.name == "synthetic":
        print("The network was trained on SYNTHETIC DIGITS: expect more mistakes.", flush=True)
    pictures = PictureDataset(files, predictor.scaling, labels=labels)
    predictions = [predictor.predict_picture(pictures, i) for i in range(len(pictures))]
    checkpoint.folder.mkdir(parents=True, exist_ok=True)
    named = [each.digit for each in predictions if each.digit is not None and not each.digits]
    noun = noun_of(named or [0])
    path = checkpoint.folder / FILE
    print(write_results(path, pictures, predictions, noun, keep_inputs), flush=True)
    refuse_unreadable(predictions, " ".join(paths))
    return Run(checkpoint.folder, {}, checkpoint.path)
