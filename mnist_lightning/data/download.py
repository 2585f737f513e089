"""Download of files that are known by their SHA-256."""

import gzip
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit

from filelock import BaseFileLock, FileLock

from mnist_lightning.data.transfer import transfer
from mnist_lightning.errors import DataError, UnreachableError
from mnist_lightning.files import atomic_write

DRAFT = ".draft-"  # begins the names of unfinished files, here and in atomic_write
LOCK = ".lock"
ATTEMPTS = 100  # to lock a folder


class KnownFile(NamedTuple):
    """Bytes of the file packed with gzip, and its SHA-256 packed and unpacked."""

    packed_size: int
    packed_sha256: str
    sha256: str


@contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Lock a folder while it is filled: of processes that start together, one does the work.

    Drafts that a killed process left are removed. A folder made here goes if nothing comes of it.
    """
    lock, made = _lock(folder)
    try:
        for draft in folder.glob(f"{DRAFT}*"):
            shutil.rmtree(draft) if draft.is_dir() else draft.unlink()
        yield
    except BaseException:
        with suppress(OSError):  # a folder that is not empty stays
            if made:
                (folder / LOCK).unlink()
            for path in made:
                path.rmdir()
        raise
    finally:
        lock.release()


def _lock(folder: Path) -> tuple[BaseFileLock, list[Path]]:
    """Make and lock a folder; also the parts of its path that were made, deepest first."""
    lock = FileLock(folder / LOCK)  # the system's: it ends with the process that holds it
    for left in reversed(range(ATTEMPTS)):
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            break
        except (FileNotFoundError, FileExistsError):  # just removed by one that made it in vain
            if not left:
                raise
    return lock, made


def has_sha256(path: Path, sha256: str) -> bool:
    """Tell whether a regular file is there and has this SHA-256, in hexadecimal digits."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def fetch(path: Path, known: KnownFile, mirrors: Sequence[str]) -> None:
    """Download a file and unpack it; a damaged one there before stays as ``NAME.damaged``.

    Args:
        path: File to write; where ``NAME.gz`` lies beside it, that is unpacked.
        known: What it must be.
        mirrors: URLs of folders with the packed file, tried in this order.

    Raises:
        UnreachableError: No mirror gives the file.
        DataError: The same, where a damaged one is there.
    """
    packed = path.with_name(f"{path.name}.gz")
    with TemporaryDirectory(dir=path.parent, prefix=DRAFT, ignore_cleanup_errors=True) as drafts:
        if not has_sha256(packed, known.packed_sha256):
            packed = Path(drafts, packed.name)
            try:
                _try_mirrors(packed, known, mirrors)
            except UnreachableError as error:
                if path.exists():
                    raise DataError(f"{path} is damaged, and {error}") from error
                raise
        with atomic_write(path, keep=path.with_name(f"{path.name}.damaged")) as draft:
            draft.write_bytes(gzip.decompress(packed.read_bytes()))


def _try_mirrors(packed: Path, known: KnownFile, mirrors: Sequence[str]) -> None:
    reasons = {}
    for mirror in mirrors:
        host = urlsplit(mirror).netloc.rpartition("@")[2] or mirror  # without a password
        try:
            transfer(f"{mirror.rstrip('/')}/{packed.name}", packed, known.packed_size)
        except UnreachableError as error:
            reasons[host] = str(error)
        else:
            if has_sha256(packed, known.packed_sha256):
                return
            reasons[host] = "wrong SHA-256"
    places = ", ".join(f"{reason} at {host}" for host, reason in reasons.items())
    raise UnreachableError(f"{packed.name}: {places}")
