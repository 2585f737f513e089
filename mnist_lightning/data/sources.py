"""Data sets: where their files come from, and what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

from torch import Tensor

from mnist_lightning.data.download import KnownFile, fetch, filling, has_sha256
from mnist_lightning.data.generated import IMAGE_SIZE, VERSION, write_synthetic
from mnist_lightning.data.idx import is_sound, read_idx
from mnist_lightning.errors import DataError, OutputError


@dataclass(frozen=True)
class Source:
    """A data set of grey pictures in IDX files, with a training and a test split."""

    name: str  # value of --data.source
    title: str  # in reports
    folder: str  # of the unpacked files, below the data folder; as torchvision has it
    mirrors: tuple[str, ...]  # URLs of folders with the packed files, tried in this order
    files: Mapping[str, KnownFile]  # by name; empty where the pictures are generated
    sizes: Mapping[str, int]  # number of images of each split; its key begins the files' names
    classes: tuple[str, ...]  # name of each label from 0
    mean: float  # of the training pixels, scaled to [0, 1]
    std: float  # of the same

    def raw_dir(self, data_dir: Path) -> Path:
        """Folder of the unpacked files."""
        return data_dir / self.folder

    def is_present(self, data_dir: Path) -> bool:
        """Tell whether all files are there, sound or not."""
        return all(path.is_file() for path in self._paths(data_dir))

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
                    if self.files and not self._is_intact(path):
                        fetch(path, self.files[path.name], (mirror,) if mirror else self.mirrors)
                    elif not self._is_intact(path):
                        write_synthetic(self.raw_dir(data_dir), self.sizes)  # all of them
        except OutputError as error:
            raise DataError(str(error)) from error
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DataError(f"data_dir is {data_dir}: cannot be written ({reason})") from error

    def read(self, data_dir: Path, train: bool) -> tuple[Tensor, Tensor]:
        """Read a split, or raise DataError: (N, 1, 28, 28) uint8 images, (N,) int64 labels."""
        split = "train" if train else "t10k"
        images_path, labels_path = self._paths(data_dir, split)
        shape = self.sizes[split], IMAGE_SIZE, IMAGE_SIZE
        images = read_idx(images_path, shape, self._sha256(images_path))
        labels = read_idx(labels_path, shape[:1], self._sha256(labels_path)).long()
        if labels.max() >= len(self.classes):
            raise DataError(f"{labels_path} is damaged: it holds the label {labels.max()}")
        return images.unsqueeze(1), labels

    def _paths(self, data_dir: Path, *splits: str) -> list[Path]:
        """Images and labels of these splits, or of all."""
        names = product(splits or self.sizes, ("images-idx3", "labels-idx1"))
        return [self.raw_dir(data_dir) / f"{split}-{kind}-ubyte" for split, kind in names]

    def _sha256(self, path: Path) -> str | None:
        return self.files[path.name].sha256 if self.files else None

    def _is_intact(self, path: Path) -> bool:
        sha256 = self._sha256(path)
        return has_sha256(path, sha256) if sha256 else path.is_file()

    def _refuse_another_set(self, data_dir: Path) -> None:
        """Raise DataError where images and labels of a split are sound, but neither is ours.

        FashionMNIST has MNIST's names and shapes: only its content tells. Damage leaves one of the
        two as it was, or one that is not sound; that one is downloaded again.
        """
        for split in self.sizes:
            paths = reversed(self._paths(data_dir, split))  # the labels are the smaller file
            if all(is_sound(path) and not self._is_intact(path) for path in paths):
                advice = "move its files away, or give another --data.data_dir"
                reason = f"holds a data set other than {self.title}: {advice}"
                raise DataError(f"{self.raw_dir(data_dir)} {reason}")


MNIST = Source(
    name="mnist",
    title="MNIST",
    folder="MNIST/raw",
    mirrors=(  # torchvision's; https first: what http brings can be replaced on the way
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    files={  # the files of torchvision's MNIST.resources, which has their MD5
        "train-images-idx3-ubyte": KnownFile(
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        "train-labels-idx1-ubyte": KnownFile(
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        "t10k-images-idx3-ubyte": KnownFile(
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        "t10k-labels-idx1-ubyte": KnownFile(
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    },
    sizes={"train": 60_000, "t10k": 10_000},
    classes=tuple("0123456789"),
    mean=0.1307,
    std=0.3081,
)


def synthetic_digits(train: int = 60_000, test: int = 10_000) -> Source:
    """Generated digits, so many for training and for the test, in the place of MNIST."""
    synthetic = replace(MNIST, name="synthetic", title="synthetic digits", mirrors=(), files={})
    folder = f"synthetic-v{VERSION}-{train}-{test}"
    return replace(synthetic, folder=folder, sizes={"train": train, "t10k": test})


SOURCES = {source.name: source for source in (MNIST, synthetic_digits())}
CLASSES = len(MNIST.classes)
