"""Files: written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

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
def atomic_write(path: str | Path, keep: Path | None = None) -> Iterator[Path]:
    """Write a file atomically: a draft beside it, flushed to the disk, then renamed.

    Args:
        path: File to write; its folder is there.
        keep: Where the file that is replaced stays; default: nowhere.

    Yields:
        The draft to write, with the suffix of the file.

    Raises:
        OutputError: The file cannot be written; what was there before is untouched.
    """
    target = Path(path)
    # short, as the target's own name may be as long as the system allows
    draft, link = (target.with_name(f".draft-{token_hex(4)}{target.suffix}") for _ in range(2))
    try:
        yield draft
        _flush(draft, os.O_RDWR)  # Windows flushes no file that is open to read alone
        if keep and target.exists():
            _keep(target, link, keep)
        os.replace(draft, target)
    except OSError as error:
        with suppress(OSError):
            if keep and not target.exists():
                os.replace(keep, target)
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        for file in (draft, link):
            with suppress(OSError):
                file.unlink(missing_ok=True)
    with suppress(OSError):  # where folders can be flushed, the new name is on the disk too
        _flush(target.parent, os.O_RDONLY)


def _keep(target: Path, link: Path, keep: Path) -> None:
    """Give a file a second name; a reader finds the first one all the time."""
    try:
        os.link(target, link)
    except OSError:  # a file system without hard links
        os.replace(target, keep)
    else:
        os.replace(link, keep)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
