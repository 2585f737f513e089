"""A data set of the user's own: a folder with four IDX files of MNIST's names."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from mnist_lightning.data.generated import IMAGE_SIZE
from mnist_lightning.data.idx import PACKED, read_idx, sound_shape
from mnist_lightning.data.source import Source
from mnist_lightning.errors import DataError


@dataclass(frozen=True)
class Folder(Source):
    """Files that are only read: plain or, where there is no plain one, packed as ``NAME.gz``."""

    def prepare(self, data_dir: Path, mirror: str | None = None) -> None:
        """Do nothing: what is missing was named when the folder was opened."""

    def _paths(self, data_dir: Path, *train: bool) -> list[Path]:
        paths = super()._paths(data_dir, *train)
        packed = [path.with_name(f"{path.name}{PACKED}") for path in paths]
        pairs = zip(paths, packed, strict=True)
        return [path if path.exists() or not gz.exists() else gz for path, gz in pairs]

    def measured(self) -> "Folder":
        """Take the number of images from the headers, and of classes from the training labels.

        Raises:
            DataError: A file is missing, or is not what it should be.
        """
        sizes, paths = {}, self._paths(Path())
        for split, images, labels in zip(self.sizes, paths[::2], paths[1::2], strict=True):
            for path in (images, labels):
                if not path.is_file():
                    raise DataError(f"dataset is {self.folder}: holds no {path.name}[.gz]")
            count, *sides = sound_shape(images) or (0,)
            if not count or sides != [IMAGE_SIZE, IMAGE_SIZE]:
                raise DataError(f"{images}: must be an IDX file of 28x28 pictures of bytes")
            if sound_shape(labels) != (count,):
                raise DataError(f"{labels}: must be an IDX file of {count:,} labels, a byte each")
            sizes[split] = count
        last = int(read_idx(paths[1], (sizes["train"],)).max())
        if not last:
            raise DataError(f"{paths[1]}: must hold labels of two classes or more")
        return replace(self, sizes=sizes, classes=tuple(map(str, range(last + 1))))


def name_of(folder: str) -> str:
    """The last name of a folder's path, which does not tell where it lies."""
    return Path(os.path.abspath(folder)).name


def own_folder(folder: str) -> Folder:
    """A folder of the user's own, of which nothing is known yet but its place."""
    name = name_of(folder)
    return Folder(name, name, os.path.abspath(folder), {"train": 0, "t10k": 0}, classes=())
