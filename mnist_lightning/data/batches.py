"""Batches of images held in memory."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DistributedSampler


class Batches:
    """Cut images and labels in memory into batches by indexing a whole batch at once.

    A plain iterable, not a ``DataLoader``: fetching image by image, collating and worker
    processes cost more than this network's step. Lightning calls ``sampler.set_epoch``.

    It knows how many batches it gave, and goes on from there where a run is resumed.

    Args:
        images: (N, 1, 28, 28) uint8, on the device where batches are wanted.
        labels: (N,) int64, there too.
        batch_size: Images in a batch; the last batch holds what is left over.
        sampler: The order; without it, as they lie.
    """

    batch_sampler = None  # Lightning asks for it wherever there is a sampler

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        batch_size: int,
        sampler: DistributedSampler[int] | None = None,
    ) -> None:
        self.images = images
        self.labels = labels
        self.batch_size = batch_size
        self.sampler = sampler
        self._order: tuple[Tensor, ...] | None = None  # the rows of each batch of the epoch
        self._given = 0
        self._resumed: dict[str, int] = {}

    def __len__(self) -> int:
        count = len(self.labels) if self.sampler is None else len(self.sampler)
        return -(-count // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self.sampler is None:
            images, labels = (
                torch.split(self.images, self.batch_size),
                torch.split(self.labels, self.batch_size),
            )
            return zip(images, labels, strict=True)
        self._order = None
        return self._in_order()

    def ahead(self, count: int) -> tuple[Tensor, ...]:
        """Take batches that come next in the epoch under way: the rows of each, (B,) int64."""
        rows = self._rows()[self._given : self._given + count]
        self._given += len(rows)
        return rows

    def _in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        while batch := self.ahead(1):
            # four times as fast as images[index] on the CPU
            yield self.images.index_select(0, batch[0]), self.labels.index_select(0, batch[0])

    def _rows(self) -> tuple[Tensor, ...]:
        """Ask for the order with the first batch only: Lightning tells the epoch in between."""
        if self._order is None:
            assert self.sampler is not None
            resumed = self._resumed.get("epoch") == self.sampler.epoch
            self._given = self._resumed["given"] if resumed else 0
            order = torch.tensor(list(self.sampler), device=self.images.device)
            self._order = torch.split(order, self.batch_size)
        return self._order

    def state_dict(self) -> dict[str, int]:
        """The epoch, and how many of its batches were given."""
        epoch = 0 if self.sampler is None else self.sampler.epoch
        return {"epoch": epoch, "given": self._given}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Leave out the batches of that epoch that were given."""
        self._resumed = state_dict


def shuffled(
    images: Tensor, labels: Tensor, batch_size: int, seed: int, rank: int = 0, world_size: int = 1
) -> Batches:
    """Batches for training: the order of epoch e follows from the seed and e alone.

    Each rank takes an equal share; the first images fill up what does not divide.
    """
    sampler: DistributedSampler[int] = DistributedSampler(
        range(len(labels)),  # type: ignore[arg-type]  # only its length is read
        num_replicas=world_size,
        rank=rank,
        shuffle=True,
        seed=seed,
    )
    return Batches(images, labels, batch_size, sampler)


def in_order(
    images: Tensor, labels: Tensor, batch_size: int, rank: int = 0, world_size: int = 1
) -> Batches:
    """Batches for evaluation: each image once on one rank; the ranks in a row give the order."""
    return Batches(
        images.tensor_split(world_size)[rank], labels.tensor_split(world_size)[rank], batch_size
    )
