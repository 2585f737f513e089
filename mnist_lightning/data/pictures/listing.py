"""The list of pictures that a file, a folder or a table names, with labels where they are known."""

import csv
from collections.abc import Sequence
from pathlib import Path

from mnist_lightning.data.pictures.decoding import MAX_BYTES, NO_NAME
from mnist_lightning.data.source import DIGITS
from mnist_lightning.errors import DataError, printable

TABLE = ".csv"  # suffix of a table of names and labels
COLUMNS = ("file", "label")  # of such a table
SYSTEM_FILES = ("thumbs.db", "desktop.ini", "icon\r")  # hidden where they come from

Labelled = tuple[Path, str]  # a picture, and the name of its class; "" where that is not known


def list_pictures(path: Path, recursive: bool = False) -> list[Path]:
    """List a file, the files in a folder, or those that a table names, as ``list_labelled``."""
    return [file for file, _ in list_labelled(path, recursive)]


def list_labelled(
    path: Path, recursive: bool = False, classes: Sequence[str] = DIGITS
) -> list[Labelled]:
    """List pictures with their labels.

    Of a folder every file that is not hidden, of whatever kind, by name. A folder in it that has
    the name of a class is read too, and labels its pictures; other folders are listed as they are,
    or read where ``recursive``. A table is a CSV file with the columns ``file``, names from its own
    folder on, and ``label``, which may be empty.

    Raises:
        DataError: There is nothing, or the table is not as it should be.
    """
    try:
        if path.suffix.lower() == TABLE and path.is_file():
            return _read_table(path, classes)
        if not path.is_dir():
            path.lstat()
            return [(path, "")]
        files = _list_folder(path, recursive, classes)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = getattr(error, "strerror", None) or NO_NAME
        raise DataError(f"predict_path is {printable(str(path))}: {reason}") from error
    if not files:
        raise DataError(f"predict_path is {printable(str(path))}: holds no files")
    return files


def _list_folder(root: Path, recursive: bool, classes: Sequence[str]) -> list[Labelled]:
    files, folders = [], [(root, "")]
    while folders:
        folder, label = folders.pop()
        try:
            inside = [each for each in folder.iterdir() if not _is_hidden(each)]
        except OSError:
            if folder == root:
                raise
            files.append((folder, label))  # to read it says why
            continue
        for each in inside:
            is_class = folder == root and each.name in classes
            # a link may lead back to where it lies
            enter = (recursive or is_class) and each.is_dir() and not each.is_symlink()
            (folders if enter else files).append((each, each.name if enter and is_class else label))
    return sorted(files)


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name.lower() in SYSTEM_FILES


def _read_table(path: Path, classes: Sequence[str]) -> list[Labelled]:
    named = f"predict_path is {printable(str(path))}"
    rows = _read_rows(path, named)
    if not rows:
        raise DataError(f"{named}: names no pictures")
    for number, (file, label) in enumerate(rows, 1):
        if not file:
            raise DataError(f"{named}: picture {number} has no name")
        if label and label not in classes:
            allowed = f"{classes[0]} to {classes[-1]}" if classes == DIGITS else ", ".join(classes)
            reason = f"the label of picture {number} is {printable(label)}: must be {allowed}"
            raise DataError(f"{named}: {reason}")
    return [(path.parent / file, label) for file, label in rows]


def _read_rows(path: Path, named: str) -> list[Sequence[str]]:
    """Read names and labels as spreadsheets write them, with commas, semicolons or tabs."""
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{named}: larger than {MAX_BYTES // 10**6} MB")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        delimiter = next((each for each in ";\t" if each in "".join(lines[:1])), ",")
        table = csv.DictReader(lines, delimiter=delimiter)
        if not {*COLUMNS} <= {*(table.fieldnames or ())}:
            columns = " and ".join(COLUMNS)
            raise DataError(f"{named}: its first line must name the columns {columns}")
        return [[(row[column] or "").strip() for column in COLUMNS] for row in table]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{named}: no CSV file in UTF-8") from error
