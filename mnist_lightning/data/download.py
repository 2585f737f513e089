"""The four official MNIST files: fetched, checked, unpacked."""

import gzip
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pooch
from filelock import FileLock
from torchvision.datasets import MNIST

from mnist_lightning.data.transfer import transfer
from mnist_lightning.errors import DataError, UnreachableError

# SHA-256 of the packed files, as torchvision's mirrors serve them (its MNIST.resources has the MD5
# of the same files), and of the unpacked ones.
SHA256 = {
    "train-images-idx3-ubyte": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}
FILES = tuple(SHA256)
DRAFT = ".draft-"
PACKED_SIZES = dict(zip(FILES, (9_912_422, 28_881, 1_648_877, 4_542), strict=True))  # bytes


def fetch_mnist(raw_dir: Path, mirror: str | None = None) -> None:
    """Make sure that the four unpacked files lie in a folder, downloading what is not right.

    A folder that is not there is made, and removed where nothing comes of it. Of processes that
    start together one downloads, and the others wait for it.

    Args:
        raw_dir: Folder of the files, ``<data_dir>/MNIST/raw`` for torchvision.
        mirror: Where the ``.gz`` files lie: an http, https or file URL; torchvision's mirrors if
            None.

    Raises:
        UnreachableError: A file is missing and no mirror gives it.
        DataError: A file is damaged and no mirror gives it, or the folder cannot be written.
    """
    if all(is_intact(raw_dir / name) for name in FILES):
        return
    made = [folder for folder in (raw_dir, *raw_dir.parents) if not folder.exists()]
    raw_dir.mkdir(parents=True, exist_ok=True)
    lock = raw_dir / ".lock"
    try:
        with FileLock(lock):  # the system's: it ends with the process that holds it
            _sweep(raw_dir)
            for name in FILES:
                if not is_intact(raw_dir / name):
                    _fetch(raw_dir / name, mirror)
    except DataError:
        with suppress(OSError):  # what is not empty stays
            if made:
                lock.unlink()
            for folder in made:
                folder.rmdir()
        raise


def is_intact(path: Path) -> bool:
    """Tell whether an unpacked official file is there, byte for byte."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == SHA256[path.name][1]


def _sweep(raw_dir: Path) -> None:
    """Remove what a process that was killed had begun: pooch's files, and folders of ours."""
    for begun in raw_dir.glob("tmp????????"):
        if begun.is_file():
            begun.unlink()
    for begun in raw_dir.glob(f"{DRAFT}*"):
        shutil.rmtree(begun)


def _fetch(path: Path, mirror: str | None) -> None:
    damaged = path.exists()
    try:
        _unpack(_fetch_packed(path.parent, path.name, mirror), path)
    except UnreachableError as error:
        if damaged:
            raise DataError(f"{path} is damaged, and {error}") from error
        raise


def _fetch_packed(raw_dir: Path, name: str, mirror: str | None) -> Path:
    # https first: what an http mirror sends can be replaced on the way; SHA-256 would refuse it
    mirrors = [mirror] if mirror else sorted(MNIST.mirrors, key=lambda url: "https" not in url)
    packed, faults = f"{name}.gz", dict[str, str]()
    for base in mirrors:
        url = base.rstrip("/") + "/"
        store = pooch.create(
            raw_dir, url, registry={packed: f"sha256:{SHA256[name][0]}"}, retry_if_failed=1
        )
        try:
            return Path(store.fetch(packed, downloader=_downloader(PACKED_SIZES[name])))
        except (OSError, ValueError) as error:
            faults[urlsplit(url).netloc or url] = type(error).__name__
    kinds = "/".join(dict.fromkeys(faults.values()))
    raise UnreachableError(f"{packed}: {kinds} at {', '.join(faults)}")


def _downloader(size: int) -> Callable[[str, str, pooch.Pooch], None]:
    return lambda url, output_file, _: transfer(url, output_file, size)


def _unpack(packed: Path, path: Path) -> None:
    """Write the unpacked file under another name first: nothing half-written bears its name."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=DRAFT) as folder:
        draft = Path(folder, path.name)
        draft.write_bytes(gzip.decompress(packed.read_bytes()))
        os.replace(draft, path)
