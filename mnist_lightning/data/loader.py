"""Data loaders whose order follows from seed and epoch, and that go on within an epoch."""

from collections.abc import Iterator, Sized
from itertools import islice
from typing import Any

import torch
from torch import distributed
from torch.utils.data import DataLoader, DistributedSampler

from mnist_lightning.data.dataset import ImageDataset, Sample, collate


class EpochLoader(DataLoader[Sample]):
    """A ``DataLoader`` that can be resumed within an epoch.

    Each ``iter()`` has its own cursor. Lightning tells the sampler which epoch begins; in a plain
    loop each complete pass is followed by the next epoch.
    """

    _given = 0  # batches of the newest pass
    _resumed: dict[str, int] | None = None

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        # A generator: nothing is looked at before the first batch is asked for, since Lightning
        # calls iter() first and tells the epoch afterwards
        sampler, resumed = self.sampler, self._resumed or {}
        epoch = getattr(sampler, "epoch", None)
        given = (
            resumed.get("given", 0) if epoch is not None and resumed.get("epoch") == epoch else 0
        )
        self._resumed = None
        if epoch is not None and isinstance(self.dataset, ImageDataset):
            self.dataset.epoch = epoch
        for self._given, batch in enumerate(islice(super().__iter__(), given, None), given + 1):
            yield batch
        self._given = 0
        if isinstance(sampler, DistributedSampler) and sampler.epoch == epoch:
            sampler.set_epoch(epoch + 1)

    def state_dict(self) -> dict[str, int]:
        """The epoch under way, and how many of its batches were given."""
        return {"epoch": getattr(self.sampler, "epoch", -1), "given": self._given}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Leave out the batches that were given, in the next pass if it is of that epoch."""
        self._resumed = {name: int(state_dict[name]) for name in ("epoch", "given")}


class ShuffledSampler(DistributedSampler[int]):
    """A random order of each epoch, which follows from seed and epoch alone.

    Each process takes an equal share; the first images fill up what does not divide. Processes are
    asked for when an order is, not before: a loader may be made before they are started.

    Args:
        dataset: What is sampled.
        seed: At least 0.
    """

    def __init__(self, dataset: Sized, seed: int) -> None:
        super().__init__(dataset, num_replicas=1, rank=0, shuffle=True, seed=seed)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[int]:
        self._share()
        return super().__iter__()

    def __len__(self) -> int:
        self._share()
        return super().__len__()

    def _share(self) -> None:
        self.rank, self.num_replicas = _process()
        self.num_samples = -(-len(self.dataset) // self.num_replicas)  # type: ignore[arg-type]
        self.total_size = self.num_samples * self.num_replicas


class OrderedSampler(DistributedSampler[int]):
    """The order of the images; each on one process, and the processes in a row give the order.

    Args:
        dataset: What is sampled.
    """

    def __init__(self, dataset: Sized) -> None:
        super().__init__(dataset, num_replicas=1, rank=0, shuffle=False)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[int]:
        return iter(self._share())

    def __len__(self) -> int:
        return len(self._share())

    def _share(self) -> range:
        rank, count = _process()
        size = len(self.dataset)  # type: ignore[arg-type]
        return range(size * rank // count, size * (rank + 1) // count)


def shuffled(dataset: ImageDataset, batch_size: int, seed: int) -> EpochLoader:
    """Batches for training, in a new order each epoch; the last holds what is left over."""
    return _loader(dataset, batch_size, ShuffledSampler(dataset, seed))


def ordered(dataset: ImageDataset, batch_size: int) -> EpochLoader:
    """Batches for evaluation, in order; the last holds what is left over."""
    return _loader(dataset, batch_size, OrderedSampler(dataset))


def _loader(data: ImageDataset, batch_size: int, sampler: DistributedSampler[int]) -> EpochLoader:
    # By keywords, as Lightning makes some loaders again. A generator of its own, since DataLoader
    # draws from it at each pass, and would draw from torch's, which decides dropout
    return EpochLoader(
        data,
        batch_size=batch_size,
        sampler=sampler,
        collate_fn=collate,
        generator=torch.Generator(),
    )


def _process() -> tuple[int, int]:
    """Rank of this process, and how many there are."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1
