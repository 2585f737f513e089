"""Download of files that are known by a digest, limited in size and time."""

import gzip
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch
from filelock import FileLock
from tqdm import tqdm

from mnist_lightning.errors import DataError, UnreachableError
from mnist_lightning.files import atomic_write

DRAFT = ".draft-"  # begins the names of unfinished files, here and in atomic_write
TIMEOUT_SECONDS = 10.0
SLOWEST = 10_000  # bytes a second, on average over TIMEOUT_SECONDS


class KnownFile(NamedTuple):
    """Bytes of the file as it is sent, at most, and hexadecimal digests as sent and unpacked.

    A digest is a SHA-256, or an MD5 where no other is published; "" is none.
    """

    packed_size: int
    packed_digest: str
    sha256: str = ""


def _digest(file: Any, like: str) -> str:
    """Digest a binary file by the algorithm whose digests are as long as this one."""
    return hashlib.file_digest(file, "md5" if len(like) == 32 else "sha256").hexdigest()


def has_digest(path: Path, digest: str) -> bool:
    """Tell whether a regular file is there and has this SHA-256 or MD5, in hexadecimal digits."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return _digest(file, digest) == digest


@contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Lock a folder while it is filled: of processes that start together, one does the work.

    Drafts that a killed process left are removed. A folder made here goes if nothing comes of it.
    """
    lock = FileLock(folder / ".lock")  # the system's: it ends with the process that holds it
    for left in reversed(range(100)):
        made = [path for path in (folder, *folder.parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire()
            break
        except (FileNotFoundError, FileExistsError):  # just removed by one that made it in vain
            if not left:
                raise
    try:
        for draft in folder.glob(f"{DRAFT}*"):
            shutil.rmtree(draft) if draft.is_dir() else draft.unlink()
        yield
    except BaseException:
        with suppress(OSError):  # a folder that is not empty stays
            if made:
                Path(lock.lock_file).unlink()
            for path in made:  # the deepest first
                path.rmdir()
        raise
    finally:
        lock.release()


def fetch(path: Path, known: KnownFile, mirrors: Sequence[str]) -> None:
    """Write a file from one of the mirrors, tried in this order; as ``NAME.gz`` or a .zip there.

    A damaged one there before stays as ``NAME.damaged``. Where no mirror gives the file it raises
    UnreachableError or, of a damaged one, DataError.
    """
    is_zip = path.suffix == ".zip"
    try:
        content = _try_mirrors(path.name if is_zip else f"{path.name}.gz", known, mirrors)
    except UnreachableError as error:
        if path.exists():
            raise DataError(f"{path} is damaged, and {error}") from error
        raise
    place(path, content if is_zip else gzip.decompress(content))


def place(path: Path, content: bytes) -> None:
    """Write a file whole; what was there before stays as ``NAME.damaged``."""
    with atomic_write(path, keep=path.with_name(f"{path.name}.damaged")) as draft:
        draft.write_bytes(content)


def _try_mirrors(name: str, known: KnownFile, mirrors: Sequence[str]) -> bytes:
    reasons: dict[str, str | UnreachableError] = {}
    for mirror in mirrors:
        host = urlsplit(mirror).netloc.rpartition("@")[2] or mirror  # without a password
        try:
            content = transfer(f"{mirror.rstrip('/')}/{name}", known.packed_size)
            if _digest(BytesIO(content), known.packed_digest) == known.packed_digest:
                return content
            reasons[host] = "wrong SHA-256" if len(known.packed_digest) == 64 else "wrong MD5"
        except UnreachableError as error:
            reasons[host] = error
    places = ", ".join(f"{reason} at {host}" for host, reason in reasons.items())
    raise UnreachableError(f"{name}: {places}")


def transfer(url: str, size: int) -> bytes:
    """Bring what an http, https or file URL gives, as it is sent; up to ``size`` bytes.

    Raises:
        UnreachableError: The mirror fails, sends more, or is too slow. The text gives the reason
            alone: the address may hold a password.
    """
    errors: list[Exception] = []
    show: dict[str, Any] = {"disable": None, "leave": False}  # None: off a terminal
    bar = tqdm(total=size, unit="B", unit_scale=True, desc=url.rpartition("/")[2], **show)
    with _BoundedFile() as file, bar:
        file.limit = size
        # a thread can be left behind, whatever it waits for: a pipe, a header that never ends
        thread = Thread(target=_copy, args=(url, file, bar, errors), daemon=True)
        thread.start()
        while thread.is_alive():
            before = file.tell()
            thread.join(TIMEOUT_SECONDS)
            if thread.is_alive() and file.tell() - before < SLOWEST * TIMEOUT_SECONDS:
                raise UnreachableError("too slow")
        if errors:
            reason = getattr(errors[0], "strerror", None) or type(errors[0]).__name__
            raise UnreachableError(reason) from errors[0]
        return file.getvalue()


class _BoundedFile(BytesIO):
    """File in memory that refuses to grow beyond ``limit`` bytes."""

    limit: int

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self.limit:
            raise OSError(None, f"more than {self.limit:,} bytes")
        return super().write(data)


def _copy(url: str, file: _BoundedFile, bar: tqdm, errors: list[Exception]) -> None:
    """Write what a URL gives; an error goes to the thread that waits."""

    def leave_as_sent(response: Any, **_: Any) -> None:
        """Hook of requests, called before it unpacks a body or follows a redirect."""
        opened.callback(response.close)  # pooch leaves it open where something fails
        response.raw.headers.pop("Content-Encoding", None)  # some servers mark .gz as encoded
        if response.is_redirect:
            response.close()  # requests would read the body first, which may be endless

    try:
        with ExitStack() as opened:
            if urlsplit(url).scheme == "file":
                source = opened.enter_context(open(url2pathname(urlsplit(url).path), "rb"))
                shutil.copyfileobj(source, file)
            else:
                options = {"timeout": TIMEOUT_SECONDS, "hooks": {"response": leave_as_sent}}
                pooch.HTTPDownloader(bar, chunk_size=65_536, **options)(url, file, None)
    except Exception as error:
        errors.append(error)
