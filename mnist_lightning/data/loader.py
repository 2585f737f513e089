"""Data loaders whose order follows from seed and epoch, and that go on within an epoch."""

import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_warn
from torch import distributed
from torch.utils.data import DataLoader, DistributedSampler, SequentialSampler

from mnist_lightning.data.dataset import ImageDataset, Sample, collate

ONE_PROCESS = 1, 0  # number of processes and rank, until there are more


class EpochLoader(DataLoader[Sample]):
    """A ``DataLoader`` that can be resumed within an epoch.

    Each ``iter()`` has its own cursor. Lightning tells the sampler which epoch begins; in a plain
    loop each complete pass is followed by the next epoch.
    """

    _given = 0  # batches of the newest pass
    _resumed = (-1, 0)  # the epoch to go on in, and how many of its batches were given

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        # A generator: nothing is looked at before the first batch is asked for, since Lightning
        # calls iter() first and tells the epoch afterwards
        epoch = getattr(self.sampler, "epoch", None)
        given = self._resumed[1] if self._resumed[0] == epoch else 0
        self._resumed = (-1, 0)
        if epoch is not None and isinstance(self.dataset, ImageDataset):
            self.dataset.epoch = epoch
        for self._given, batch in enumerate(islice(super().__iter__(), given, None), given + 1):
            yield batch
        self._given = 0
        if isinstance(self.sampler, DistributedSampler) and self.sampler.epoch == epoch:
            self.sampler.set_epoch(epoch + 1)

    def state_dict(self) -> dict[str, int]:
        """The epoch under way, and how many of its batches were given."""
        return {"epoch": getattr(self.sampler, "epoch", -1), "given": self._given}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Leave out the batches that were given, in the next pass if it is of that epoch."""
        self._resumed = int(state_dict["epoch"]), int(state_dict["given"])


class EpochSampler(DistributedSampler[int]):
    """A random order of each epoch, from seed and epoch alone, of which each process has a share.

    The first images fill up what does not divide. The processes are asked for when an order is, not
    before: a loader may be made before they are started.
    """

    def __iter__(self) -> Iterator[int]:
        self._share()
        return super().__iter__()

    def __len__(self) -> int:
        self._share()
        return self.num_samples

    def _share(self) -> range:
        """Find the share of this process, and which of the images are its, taken in order."""
        several = distributed.is_available() and distributed.is_initialized()
        if distributed.is_torchelastic_launched() and not several:
            started = os.environ["WORLD_SIZE"]
            if started != "1":
                rank_zero_warn(f"each of torchrun's {started} processes takes all: give devices")
        self.rank = rank = distributed.get_rank() if several else 0
        self.num_replicas = count = distributed.get_world_size() if several else 1
        size = len(self.dataset)  # type: ignore[arg-type]
        self.num_samples = -(-size // count)
        self.total_size = self.num_samples * count
        return range(size * rank // count, size * (rank + 1) // count)


class OrderedSampler(EpochSampler, SequentialSampler):
    """The order of the images: each is on one process, and the processes in a row give it.

    Lightning looks for a sequential sampler where it overfits a few batches.
    """

    def __iter__(self) -> Iterator[int]:
        return iter(self._share())

    def __len__(self) -> int:
        return len(self._share())


def shuffled(dataset: ImageDataset, batch_size: int, seed: int) -> EpochLoader:
    """Batches for training, in a new order each epoch; the last holds what is left over."""
    return _loader(dataset, batch_size, EpochSampler(dataset, *ONE_PROCESS, seed=seed))


def ordered(dataset: ImageDataset, batch_size: int) -> EpochLoader:
    """Batches for evaluation, in order; the last holds what is left over."""
    return _loader(dataset, batch_size, OrderedSampler(dataset, *ONE_PROCESS))


def _loader(dataset: ImageDataset, batch_size: int, sampler: EpochSampler) -> EpochLoader:
    # By keywords, as Lightning makes some loaders again. A generator of its own, since DataLoader
    # draws from it at each pass, and would draw from torch's, which decides dropout
    options: dict[str, Any] = {"collate_fn": collate, "generator": torch.Generator()}
    return EpochLoader(dataset, batch_size=batch_size, sampler=sampler, **options)
