"""A data set: where its files come from, and how they are read."""

import gzip
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from math import inf, isfinite
from pathlib import Path
from zipfile import ZipFile, is_zipfile

from torch import Tensor

from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.download import KnownFile, fetch, filling, has_digest, place
from mnist_lightning.data.generated import IMAGE_SIZE
from mnist_lightning.data.idx import BYTES, INTS, PACKED, read_idx, sound_shape
from mnist_lightning.errors import DataError, OutputError

DIGITS = tuple("0123456789")


def class_names(classes: Sequence[str], count: int) -> tuple[str, ...]:
    """Names of ``count`` classes: what a network has beyond those of its data are numbers."""
    return (*classes[:count], *map(str, range(len(classes), count)))


def class_labels(classes: Sequence[str], count: int) -> Sequence[int | str]:
    """What tables show of ``count`` classes: integers where all names are numbers from 0."""
    names, numbers = class_names(classes, count), range(count)
    return numbers if names == tuple(map(str, numbers)) else names


def noun_of(labels: Sequence[int | str]) -> str:
    """What a table calls a class of these."""
    return "class" if isinstance(labels[0], str) else "digit"


@dataclass(frozen=True)
class Source:
    """A data set of grey pictures in IDX files, with a training and a test split."""

    name: str  # in paths and tables
    title: str  # in sentences
    folder: str  # of the unpacked files, below the data folder; as torchvision has it
    sizes: Mapping[str, int]  # images of the training and the test split, whose files begin so
    classes: tuple[str, ...] = DIGITS  # name of each label from 0
    mirrors: tuple[str, ...] = ()  # URLs of folders with the packed files, tried in this order
    files: Mapping[str, KnownFile] = field(default_factory=dict)  # by name, of those that are known
    mean: float | None = None  # of the training pixels, scaled to [0, 1]
    std: float | None = None  # of the same; both None where they are not tabled
    archive: str = ""  # .zip at the mirrors that has the packed files, in a folder ``gzip``
    first_label: int = 0  # in the files
    label_columns: int = 0  # integers of each image, the first of which is its label; 0: a byte
    transposed: bool = False  # pictures in the files
    generate: Callable[[Path, Mapping[str, int]], None] | None = None  # writes all files

    def raw_dir(self, data_dir: Path) -> Path:
        """Folder of the unpacked files."""
        return data_dir / self.folder

    def is_present(self, data_dir: Path) -> bool:
        """Tell whether all files are there, sound or not."""
        return all(path.is_file() for path in self._paths(data_dir))

    def scaling(self, normalize: str | Sequence[float]) -> Scaling | None:
        """Scale by ``unit``, ``standard``, or a mean and standard deviation; None: not tabled.

        Raises:
            ValueError: It is none of these.
        """
        if normalize == "unit":
            return Scaling()
        if normalize == "standard":
            return None if self.mean is None or self.std is None else Scaling(self.mean, self.std)
        with suppress(TypeError, ValueError):
            mean, std = map(float, () if isinstance(normalize, str) else normalize)
            if isfinite(mean) and 0 < std < inf:
                return Scaling(mean, std)
        pair = "a mean and a standard deviation above 0"
        raise ValueError(f"normalize is {normalize}: must be unit, standard, or {pair}")

    def prepare(self, data_dir: Path, mirror: str | None = None) -> None:
        """Download, from ``mirror`` if given, or generate the files that are missing or damaged.

        Raises:
            UnreachableError: A file is missing and no mirror gives it.
            DataError: A file is damaged and no mirror gives it, the folder cannot be written, or it
                holds another data set.
        """
        paths = self._paths(data_dir)
        if all(map(self._is_intact, paths)):
            return
        self._refuse_another_set(data_dir)
        try:
            with filling(self.raw_dir(data_dir)):
                for path in paths:
                    if self.generate and not self._is_intact(path):
                        self.generate(self.raw_dir(data_dir), self.sizes)
                    elif not self._is_intact(path):
                        self._bring(path, (mirror,) if mirror else self.mirrors)
        except OutputError as error:
            raise DataError(str(error)) from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DataError(f"data_dir is {data_dir}: cannot be written ({reason})") from error

    def read(self, data_dir: Path, train: bool) -> tuple[Tensor, Tensor]:
        """Read a split, or raise DataError: (N, 1, 28, 28) uint8 images, (N,) int64 labels from 0.

        Both are as people look at them: upright, and with the classes' indices as labels.
        """
        paths = self._paths(data_dir, train)
        images, labels = (read_idx(path, *self._layout(path)) for path in paths)
        labels = (labels[:, 0] if self.label_columns else labels).long()
        first, last = self.first_label, self.first_label + len(self.classes) - 1
        for label in (labels.min(), labels.max()):
            if not first <= label <= last:
                reason = f"the label {label}, which is not {first} to {last}"
                raise DataError(f"{paths[1]} is damaged: it holds {reason}")
        images = images.transpose(1, 2).contiguous() if self.transposed else images
        return images.unsqueeze(1), labels - first

    def _paths(self, data_dir: Path, *train: bool) -> list[Path]:
        """Images and labels of these splits, or of all."""
        splits = [[*self.sizes][0 if each else -1] for each in train] or self.sizes
        labels = "labels-idx2-int" if self.label_columns else "labels-idx1-ubyte"
        names = product(splits, ("images-idx3-ubyte", labels))
        return [self.raw_dir(data_dir) / f"{split}-{kind}" for split, kind in names]

    def _layout(self, path: Path) -> tuple[tuple[int, ...], str, str]:
        """Shape, SHA-256 and type of the elements of a file, by its name."""
        name = path.name.removesuffix(PACKED)
        split = next(split for split in self.sizes if name.startswith(split))
        sha256 = self.files[name].sha256 if name in self.files else ""
        if "-images-" in name:
            return (self.sizes[split], IMAGE_SIZE, IMAGE_SIZE), sha256, BYTES
        if self.label_columns:
            return (self.sizes[split], self.label_columns), sha256, INTS
        return (self.sizes[split],), sha256, BYTES

    def _is_intact(self, path: Path) -> bool:
        """Tell whether a file, or what is packed in it, is ours, as far as is known of it."""
        try:
            read_idx(path, *self._layout(path))
        except DataError:
            return False
        return True

    def _is_archive(self, path: Path) -> bool:
        return has_digest(path, self.files[self.archive].packed_digest)

    def _bring(self, path: Path, mirrors: tuple[str, ...]) -> None:
        """Write a file from ``NAME.gz`` beside it, or from a mirror."""
        packed, archive = path.with_name(f"{path.name}{PACKED}"), path.parent / self.archive
        if self._is_intact(packed):
            return place(path, gzip.decompress(packed.read_bytes()))
        if not self.archive:
            return fetch(path, self.files[path.name], mirrors)
        if not self._is_archive(archive):
            fetch(archive, self.files[self.archive], mirrors)
        with ZipFile(archive) as members:
            place(path, gzip.decompress(members.read(f"gzip/{packed.name}")))

    def _refuse_another_set(self, data_dir: Path) -> None:
        """Raise DataError where a file is sound, but not ours: it is never replaced.

        FashionMNIST has MNIST's names and shapes: only its content tells. What is no sound file is
        the rest of a download that was broken off, or damage.
        """
        for path in self._paths(data_dir):
            packed = path.with_name(f"{path.name}{PACKED}")
            for each in () if self._is_intact(path) else (path, packed):
                if sound_shape(each) and not self._is_intact(each):
                    self._refuse(each)
        archive = self.raw_dir(data_dir) / self.archive
        if self.archive and is_zipfile(archive) and not self._is_archive(archive):
            self._refuse(archive)

    def _refuse(self, path: Path) -> None:
        reason = f"holds a data set other than {self.title}, or a damaged file, in {path.name}"
        advice = "move it away, or see --data.dataset"
        raise DataError(f"{path.parent} {reason}: {advice}")
