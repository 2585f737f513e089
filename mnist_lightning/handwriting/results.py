"""What ``predict`` writes and shows of the user's own pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from mnist_lightning.data.pictures.picture_dataset import PictureDataset
from mnist_lightning.errors import DataError, printable
from mnist_lightning.files import atomic_write
from mnist_lightning.handwriting.scoring import find_misses, is_read, score_lines
from mnist_lightning.handwriting.sheet import draw_sheet
from mnist_lightning.handwriting.table import format_table, in_a_line, write_predictions

if TYPE_CHECKING:
    from mnist_lightning.handwriting.prediction import Prediction

INPUTS = "predict_inputs"  # folder of what the network saw; the sheet of it has the same name
MISSES = "misses.png"


def write_results(
    path: Path,
    pictures: PictureDataset,
    predictions: "Sequence[Prediction]",
    noun: str,
    keep_inputs: bool,
) -> str:
    """Write predictions and sheets of pictures into a folder; gives the text to show.

    Args:
        path: File of the predictions.
        pictures: That were read, with their labels where these are known.
        predictions: One for each.
        noun: What a class is called.
        keep_inputs: Write what the network saw, and a sheet of it.
    """
    labels = pictures.labels
    text = [format_table(predictions, labels)]
    write_predictions(path, predictions, noun, labels)
    files = [f"Predictions: {printable(str(path))}"]
    captions = [_caption(*each) for each in zip(predictions, labels, strict=True)]
    if keep_inputs and (read := [i for i, each in enumerate(predictions) if is_read(each)]):
        save_inputs(pictures, path.with_name(INPUTS))
        sheet = draw_sheet(path.with_name(f"{INPUTS}.png"), pictures, read, captions)
        files.append(f"What the network saw: {sheet}")
    if any(labels):
        text += ["", *score_lines(predictions, labels, noun), ""]
        (sheet_path := path.with_name(MISSES)).unlink(missing_ok=True)  # of other pictures
        if misses := find_misses(predictions, labels):
            sheet = draw_sheet(sheet_path, pictures, misses, captions)
            files.append(f"Misses: {sheet}")
    return "\n".join([*text, *files])


def save_inputs(pictures: PictureDataset, folder: Path) -> None:
    """Save what the network saw of each picture, (28, 28) uint8."""
    folder.mkdir(exist_ok=True)
    for name, digit in zip(_file_names(pictures.files), pictures.digits, strict=True):
        if digit is not None:
            with atomic_write(folder / f"{name}.png") as draft:
                Image.fromarray(digit).save(draft)


def refuse_unreadable(predictions: "Sequence[Prediction]", path: str) -> None:
    """Raise a DataError where none of the pictures at a path could be read."""
    if not any(map(is_read, predictions)):
        raise DataError(f"predict_path is {printable(path)}: nothing there can be read")


def _file_names(files: Sequence[Path]) -> list[str]:
    """Stems; whole names where a.png and a.jpg lie side by side, numbered in several folders."""
    for names in ([file.stem for file in files], [file.name for file in files]):
        if len({name.lower() for name in names}) == len(files):  # some systems take A for a
            return names
    return [f"{number} {file.stem}" for number, file in enumerate(files)]


def _caption(prediction: "Prediction", label: str) -> str:
    """What a sheet says of a picture, in the words of all figures."""
    true = f"true {label}, " if label else ""
    if prediction.digit is None:
        return true + prediction.remark
    return f"{true}predicted {in_a_line(prediction.number)}, {prediction.probability:.1%}"
