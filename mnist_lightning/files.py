"""The file that a command writes."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mnist_lightning.errors import OutputError


def check_output(name: str, path: str, *suffixes: str) -> None:
    """Refuse a file that is there already, or could not be written, before any work is done.

    Args:
        name: Of the argument that the path comes from.
        path: File to write.
        suffixes: Its name must end with one of these.

    Raises:
        OutputError: It cannot be written there.
    """
    if Path(path).suffix not in suffixes:
        raise OutputError(f"{name} is {path}: must end with {', '.join(suffixes)}")
    if Path(path).exists():
        raise OutputError(f"{name} is {path}: is there already")
    if not Path(path).parent.is_dir():
        raise OutputError(f"{name} is {path}: there is no such folder")


@contextmanager
def whole(path: str) -> Iterator[Path]:
    """Have a file written whole or not at all: a draft of the same name, moved when complete.

    Raises:
        OutputError: The draft cannot be written.
    """
    target = Path(path)
    try:
        # a folder beside it is on the same file system, where a rename is atomic
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".draft-") as folder:
            draft = Path(folder, target.name)
            yield draft
            os.replace(draft, target)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
