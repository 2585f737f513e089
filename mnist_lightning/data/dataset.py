"""A data set of images in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset, default_collate

from mnist_lightning.data.augmentation import Augmentation

Sample = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Scaling:
    """Scale pixels as a network takes them: (x / 255 - mean) / std, float32.

    Attributes:
        mean: Of the pixels in [0, 1]; 0 leaves them there.
        std: Their standard deviation.
    """

    mean: float = 0.0
    std: float = 1.0

    def __call__(self, images: Tensor) -> Tensor:
        """Scale uint8 images of any shape to float32."""
        return self.standardize(images / 255)  # float32, by torch's rule for dividing integers

    def standardize(self, images: Tensor) -> Tensor:
        """Subtract the mean of images in [0, 1] and divide by the standard deviation."""
        return images if (self.mean, self.std) == (0, 1) else (images - self.mean) / self.std


class ImageDataset(Dataset[Sample]):
    """Images in memory as uint8, a batch of which is taken out by one index call.

    Samples are an image, (1, H, W) float32, and its label, an int64 scalar. A ``DataLoader`` with
    ``collate`` takes whole batches; one with torch's default collation works too, slower.

    Args:
        images: (N, 1, H, W) uint8.
        labels: (N,) int64.
        scaling: Of the pixels.
        augmentation: Moves each image at random.

    Attributes:
        epoch: Decides, with the seed, how images are augmented; set by ``EpochLoader``.
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        scaling: Scaling | None = None,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.images = images
        self.labels = labels
        self.scaling = scaling or Scaling()
        self.augmentation = augmentation
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Sample:
        batch = self.__getitems__([index])
        return batch.images[0], batch.labels[0]

    def __getitems__(self, indices: Sequence[int]) -> "Batch":
        """Take images by their indices; ``DataLoader`` asks for a batch in this way."""
        index = torch.as_tensor(indices)
        images = self.images.index_select(0, index)  # four times as fast as images[index] on a CPU
        labels = self.labels.index_select(0, index)
        if self.augmentation:
            moved = self.augmentation(images / 255, self.epoch, int(index[0]))
            return Batch(self.scaling.standardize(moved), labels)
        return Batch(self.scaling(images), labels)


class Batch(Sequence[Sample]):
    """Samples that lie together in memory: (B, 1, H, W) float32 and (B,) int64."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images = images
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # int or slice
        return self.images[index], self.labels[index]

    def __iter__(self) -> Iterator[Sample]:
        return zip(self.images, self.labels, strict=True)


def collate(batch: Sequence[Sample]) -> Sample:
    """Collate samples to images, (B, 1, H, W), and labels, (B,); those of a Batch already are."""
    if isinstance(batch, Batch):
        return batch.images, batch.labels
    images, labels = default_collate(list(batch))
    return images, labels
