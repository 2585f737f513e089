"""A data set of images in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from mnist_lightning.data.augmentation import Augmentation

Sample = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Scaling:
    """Scale pixels as a network takes them: (x / 255 - mean) / std, float32."""

    mean: float = 0.0  # of the pixels in [0, 1]
    std: float = 1.0

    @classmethod
    def measured(cls, images: Tensor) -> "Scaling":
        """By uint8 images of any shape: exact, from how often each brightness is there."""
        levels = torch.arange(256, dtype=torch.float64) / 255
        shares = images.flatten().bincount(minlength=256).double() / images.numel()
        mean = shares @ levels
        return cls(mean.item(), (shares @ (levels - mean) ** 2).sqrt().item())

    def __call__(self, images: Tensor) -> Tensor:
        """Scale uint8 images of any shape to float32."""
        return self.standardize(images / 255)  # float32, by torch's rule for dividing integers

    def standardize(self, images: Tensor) -> Tensor:
        """Subtract the mean of images in [0, 1] and divide by the standard deviation."""
        return images if (self.mean, self.std) == (0, 1) else (images - self.mean) / self.std


@dataclass(frozen=True, eq=False)
class Batch(Sequence[Sample]):
    """Samples that lie together in memory: (B, 1, H, W) float32 and (B,) int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Any) -> Any:
        return self.images[index], self.labels[index]


@dataclass(eq=False, repr=False)
class ImageDataset(Dataset[Sample]):
    """Images in memory as uint8, a batch of which is taken out by one index call.

    Samples are an image, (1, H, W) float32, and its label, an int64 scalar. A ``DataLoader`` with
    ``collate`` takes whole batches; one with torch's default collation works too, slower.
    """

    images: Tensor  # (N, 1, H, W) uint8
    labels: Tensor  # (N,) int64
    scaling: Scaling = Scaling()
    augmentation: Augmentation | None = None
    epoch: int = field(default=0, init=False)  # for the augmentation; set by EpochLoader

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Sample:
        image, label = self.__getitems__([index])[0]
        return image, label

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Take images by their indices; ``DataLoader`` asks for a batch in this way."""
        index = torch.as_tensor(indices)
        # index_select is four times as fast as images[index] on a CPU
        images = self.images.index_select(0, index) / 255
        if self.augmentation:
            images = self.augmentation(images, self.epoch, int(index[0]))
        return Batch(self.scaling.standardize(images), self.labels.index_select(0, index))


def collate(batch: Sequence[Sample]) -> Sample:
    """Collate samples to images, (B, 1, H, W), and labels, (B,); those of a Batch already are."""
    if isinstance(batch, Batch):
        return batch.images, batch.labels
    images, labels = default_collate(list(batch))
    return images, labels


def stratified(labels: Tensor, size: int, seed: int) -> Tensor:
    """Choose ``size`` of N images so that each class has its share: (N,) bool, True if chosen.

    Shuffled, then sorted by class, every (N / size)-th is taken: systematic sampling.
    """
    shuffled = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    by_class = shuffled[labels[shuffled].sort(stable=True).indices]
    every = (torch.arange(size) * len(labels)).div(max(size, 1), rounding_mode="floor")
    return torch.zeros(len(labels), dtype=torch.bool).index_fill(0, by_class[every], True)
