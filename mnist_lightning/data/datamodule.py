"""The LightningDataModule of MNIST, its siblings and its synthetic stand-in."""

import re
from dataclasses import astuple
from pathlib import Path
from typing import Any, Literal

import torch
from lightning import LightningDataModule, Trainer
from torch.utils.data import DataLoader, DistributedSampler

from mnist_lightning.data.augmentation import Augmentation
from mnist_lightning.data.dataset import ImageDataset, Scaling, stratified
from mnist_lightning.data.datasets import (
    MNIST,
    SOURCES,
    find_source,
    stored_name,
    synthetic_digits,
)
from mnist_lightning.data.loader import EpochLoader, ordered, shuffled
from mnist_lightning.data.pictures.listing import list_labelled
from mnist_lightning.data.pictures.picture_dataset import PictureDataset
from mnist_lightning.data.source import Source
from mnist_lightning.errors import DataError, UnreachableError

TITLES = {source.name: source.title for source in (*SOURCES.values(), synthetic_digits())}
TRAIN_SIZE, TEST_SIZE = MNIST.sizes["train"], MNIST.sizes["t10k"]
MOST = 1_000_000  # generated images, or images in a batch
# of this machine: they stay out of checkpoints, and are not taken from one
LOCAL = ("data_dir", "mirror", "predict_path", "recursive", "save_inputs")


class MNISTDataModule(LightningDataModule):
    """Load MNIST, or a data set like it, into memory and cut it into batches.

    Batches are images, (B, 1, 28, 28) float32 scaled and, in training, augmented, and labels, (B,)
    int64 in [0, num_classes). As in the original, all training images train and the test images are
    also the validation set, unless ``val_size`` is given.

    Args:
        data_dir: Folder of the files; the official ones lie in ``MNIST/raw``, as in torchvision.
        source: ``mnist`` for the real files; ``synthetic`` for generated digits; ``auto`` for the
            real files or, where MNIST is neither on disk nor reachable, generated digits.
        mirror: Folder of the packed files as http, https or file URL; default: torchvision's.
        batch_size: Images in a batch on each device.
        val_size: Training images held out for validation, equal shares of each class; with 0 the
            test images validate.
        normalize: ``unit`` scales to [0, 1]; ``standard`` also to mean 0 and standard deviation 1;
            so does a pair, which is the mean and the standard deviation of the pixels in [0, 1].
        seed: Decides the order of the training images, which are held out, and how they are
            augmented; at least 0.
        synthetic_size: Number of generated training and test images.
        shift: Training images move at random by up to so many pixels along each axis.
        rotation: And turn by up to so many degrees.
        zoom: And are divided in size, along each axis, by 1 - zoom to 1 + zoom; [0, 1).
        shear: And slant by up to so many degrees, below 90.
        predict_path: Picture of a digit, or folder of such, that ``predict`` reads in place of the
            test images: PNG, JPEG, BMP, GIF, WebP, TIFF or HEIC. Folders in it that have the name
            of a class label their pictures, which are then scored; so does a CSV file with the
            columns ``file`` and ``label``.
        recursive: Read the other folders in it, too.
        save_inputs: ``predict`` keeps what the network saw of them, in ``predict_inputs``, and
            shows it beside them in ``predict_inputs.png``.
        dataset: ``mnist``, ``fashion_mnist``, ``kmnist``, ``qmnist`` or ``emnist``; or a folder, as
            given or in ``data_dir``, of four IDX files with MNIST's names, plain or .gz.
        split: Of EMNIST: ``balanced``, ``byclass``, ``bymerge``, ``digits``, ``letters`` or
            ``mnist``.

    Raises:
        ValueError: A number is out of range, a word is none of those allowed, the mirror is no URL,
            or an option for pictures is given without them.
        DataError: The folder does not hold what it should.
    """

    def __init__(
        self,
        data_dir: str = "data",
        source: Literal["mnist", "synthetic", "auto"] = "mnist",
        mirror: str | None = None,
        batch_size: int = 32,
        val_size: int = 0,
        normalize: Literal["unit", "standard"] | tuple[float, float] = "unit",
        seed: int = 0,
        synthetic_size: tuple[int, int] = (TRAIN_SIZE, TEST_SIZE),
        shift: float = 0.0,
        rotation: float = 0.0,
        zoom: float = 0.0,
        shear: float = 0.0,
        predict_path: str | None = None,
        recursive: bool = False,
        save_inputs: bool = False,
        dataset: str = "mnist",
        split: str = "balanced",
    ) -> None:
        super().__init__()
        # pictures of the user's own need no data set, only the scaling in the checkpoint
        self._real = find_source(dataset, split, Path(data_dir), required=not predict_path)
        if source not in ("mnist", "synthetic", "auto"):
            raise ValueError(f"source is {source}: must be mnist, synthetic or auto")
        if source == "synthetic" and self._real.name != MNIST.name:
            raise ValueError(f"source is {source}: must be mnist or auto with dataset {dataset}")
        if not 1 <= batch_size <= MOST:
            raise ValueError(f"batch_size is {batch_size}: must be 1 to {MOST:,}")
        if seed < 0:
            raise ValueError(f"seed is {seed}: must be at least 0")
        if not all(1 <= size <= MOST for size in synthetic_size):
            raise ValueError(f"synthetic_size is {[*synthetic_size]}: must be 1 to {MOST:,} each")
        self._synthetic = synthetic_digits(*synthetic_size)
        sizes = (self._synthetic if source == "synthetic" else self._real).sizes
        limit = next(iter(sizes.values())) or MOST
        if not 0 <= val_size < limit:
            raise ValueError(f"val_size is {val_size}: must be 0 to {limit - 1:,}")
        if mirror and not re.match(r"https?://[^\[\]/]+|file:///", mirror):
            raise ValueError(f"mirror is {mirror}: must begin with http://, https:// or file:///")
        for name, given in (("save_inputs", save_inputs), ("recursive", recursive)):
            if given and not predict_path:
                raise ValueError(f"{name} is True: must be with predict_path")
        self.augmentation = Augmentation(seed, shift, rotation, zoom, shear)
        tabled = self._real.scaling(normalize)
        self._measured = tabled is None  # in setup
        self.scaling = tabled or Scaling()
        self.save_hyperparameters(ignore=list(LOCAL))
        self.hparams["dataset"] = stored_name(dataset)
        if not isinstance(normalize, str):
            self.hparams["normalize"] = [*astuple(self.scaling)]
        self.hparams["synthetic_size"] = [*synthetic_size]  # a list is plain YAML too
        self.data_dir = Path(data_dir)
        self.source: str = source
        self.mirror = mirror
        self.batch_size = batch_size
        self.val_size = val_size
        self.seed = seed
        self.predict_path = Path(predict_path) if predict_path else None
        self.recursive = recursive
        self.save_inputs = save_inputs
        self.pictures: PictureDataset | None = None
        self._resumed: dict[str, int] | None = None

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name of the data set: ``mnist``, ``emnist_balanced``, ``synthetic``, the folder's ..."""
        return self._source.name

    @property
    def title(self) -> str:
        """Name of the data set in a sentence."""
        return self._source.title

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each class; of a folder that is not there, none."""
        return self._source.classes

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def prepare_data(self) -> None:
        """Fetch or generate the files, or raise DataError; the user's own images need none."""
        if self.predict_path and self.trainer and self.trainer.predicting:
            return
        is_mnist = self._real.name == MNIST.name
        try:
            if self.source != "synthetic":
                self._real.prepare(self.data_dir, self.mirror)
        except UnreachableError as error:
            if self.source == "mnist" or self.mirror or not is_mnist:
                files = self._real.archive or "the four files"
                advice = f"put {files} into {self._real.raw_dir(self.data_dir)}"
                last = ", give --data.mirror, or --data.source synthetic"
                advice += last if is_mnist else ", or give --data.mirror"
                raise DataError(f"{error}; {advice}") from error
            hint = "--data.mirror takes MNIST from elsewhere"
            print(
                f"MNIST cannot be reached ({error}): generated digits instead; {hint}", flush=True
            )
        if self.resolve_source() == "synthetic":
            self._synthetic.prepare(self.data_dir)

    def setup(self, stage: str = "fit") -> None:
        """Read the files into memory, and cut off the images held out.

        Raises:
            ValueError: The trainer's module has fewer classes than the images.
        """
        if self.predict_path and stage == "predict":
            found = list_labelled(self.predict_path, self.recursive, self.classes)
            self.pictures = PictureDataset(
                [file for file, _ in found], self.scaling, labels=[label for _, label in found]
            )
            return
        self.source = self.hparams["source"] = self.resolve_source()
        images, labels = self._source.read(self.data_dir, train=True)
        if self._measured:
            self.scaling = Scaling.measured(images)
            if not self.scaling.std:
                raise DataError(f"normalize is standard: the pixels of {self.title} are all alike")
            self.hparams["normalize"] = [*astuple(self.scaling)]
        if self.val_size >= len(labels):
            raise DataError(f"val_size is {self.val_size}: must be below {len(labels):,}")
        held_out = stratified(labels, self.val_size, self.seed)
        kept, cut = ((images[part], labels[part]) for part in (~held_out, held_out))
        self.train = ImageDataset(*kept, self.scaling, self.augmentation)
        self.test = ImageDataset(*self._source.read(self.data_dir, train=False), self.scaling)
        self.val = ImageDataset(*cut, self.scaling) if self.val_size else self.test
        if stage != "predict":
            self._check_classes()

    def _check_classes(self) -> None:
        """Refuse a network that has no class for some of the labels."""
        count = getattr(self.trainer and self.trainer.lightning_module, "num_classes", None)
        last = max(int(part.labels.max()) for part in (self.train, self.val, self.test))
        if isinstance(count, int) and count <= last:
            least = f"must be at least {last + 1}, as the labels of {self.title} are 0 to {last}"
            raise ValueError(f"num_classes is {count}: {least}")

    def train_dataloader(self) -> EpochLoader:
        """The training images, in a new order each epoch."""
        loader = shuffled(self.train, self.batch_size, self.seed)
        if self._resumed:
            loader.load_state_dict(self._resumed)
            self._resumed = None  # another run begins with a whole epoch
        return loader

    def val_dataloader(self) -> EpochLoader:
        """The images held out or, without them, the test images."""
        return ordered(self.val, self.batch_size)

    def test_dataloader(self) -> EpochLoader:
        """The test images."""
        return ordered(self.test, self.batch_size)

    def predict_dataloader(self) -> DataLoader[Any]:
        """The user's own pictures, a batch each, or without them the test images."""
        if self.pictures is None:
            return self.test_dataloader()
        # every process reads them all; Lightning would share them out for want of such a sampler
        sampler: DistributedSampler[Any] = DistributedSampler(
            self.pictures, num_replicas=1, rank=0, shuffle=False
        )
        return DataLoader(self.pictures, sampler=sampler, generator=torch.Generator())

    def state_dict(self) -> dict[str, int]:
        """The epoch under way, and how many of its batches were given.

        Lightning keeps this too, but forgets it where a schedule asks for the number of batches.
        """
        if self.trainer is None:
            return {}
        batches = self.trainer.fit_loop.epoch_loop.batch_progress
        return {"epoch": self.trainer.current_epoch, "given": batches.current.ready}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Leave out the batches that were given."""
        self._resumed = {name: int(state_dict[name]) for name in ("epoch", "given")}

    def resolve_source(self) -> str:
        """What ``auto`` comes to: ``synthetic`` where it is MNIST and not there, else ``mnist``."""
        if self.source != "auto":
            return self.source
        missing = self._real.name == MNIST.name and not self._real.is_present(self.data_dir)
        return "synthetic" if missing else "mnist"

    @property
    def _source(self) -> Source:
        return self._synthetic if self.resolve_source() == "synthetic" else self._real


def attached_data(trainer: Trainer) -> MNISTDataModule | None:
    """The trainer's data module, if it is ours."""
    module = getattr(trainer, "datamodule", None)
    return module if isinstance(module, MNISTDataModule) else None


def data_name(trainer: Trainer) -> str | None:
    """Name of what the trainer's data module gives: of somebody else's class the class's name."""
    module = getattr(trainer, "datamodule", None)
    if type(module) is MNISTDataModule:
        return module.name
    return type(module).__name__ if module else None
