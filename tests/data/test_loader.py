"""The order of the images, the share of each process, and passes that begin within an epoch."""

from itertools import islice

import pytest
import torch
from torch import Tensor, distributed
from torch.utils.data import DataLoader, Subset

from mnist_lightning.data.dataset import ImageDataset, collate
from mnist_lightning.data.loader import EpochLoader, ordered, shuffled

LABELS = torch.arange(103)
DATA = ImageDataset(LABELS.to(torch.uint8).reshape(103, 1, 1, 1), LABELS)


def labels_of(loader: DataLoader) -> Tensor:  # type: ignore[type-arg]
    images, labels = (torch.cat(part) for part in zip(*loader, strict=True))
    assert torch.equal((images.flatten() * 255).round().long(), labels), "each with its label"
    return labels


def epoch(loader: EpochLoader, number: int) -> Tensor:
    loader.sampler.set_epoch(number)  # type: ignore[attr-defined]
    return labels_of(loader)


def process(monkeypatch: pytest.MonkeyPatch, rank: int, count: int) -> None:
    """Make this one of several processes."""
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_rank", lambda: rank)
    monkeypatch.setattr(distributed, "get_world_size", lambda: count)


def test_order_follows_from_seed_and_epoch_alone() -> None:
    first, again, other = (shuffled(DATA, 10, seed) for seed in (1, 1, 9))
    for number in range(3):  # a plain loop sees a new order each pass
        assert torch.equal(labels_of(first), epoch(again, number))
    assert not torch.equal(epoch(first, 3), epoch(first, 4))
    assert not torch.equal(epoch(first, 3), epoch(other, 3))


def test_an_epoch_holds_every_image_once_and_shuffled() -> None:
    loader = shuffled(DATA, 10, seed=0)
    order = labels_of(loader)
    assert torch.equal(order.sort().values, LABELS)
    assert not torch.equal(order, LABELS)
    assert [len(labels) for _, labels in loader] == [10] * (len(loader) - 1) + [3]


def test_each_pass_has_its_own_cursor() -> None:
    loader = shuffled(DATA, 10, seed=0)
    pairs = list(zip(loader, loader, strict=True))
    assert len(pairs) == 11
    assert all(torch.equal(one[1], other[1]) for one, other in pairs)


@pytest.mark.parametrize("workers", [0, 1])
def test_goes_on_within_an_epoch_once(workers: int) -> None:
    loader = shuffled(DATA, 10, seed=0)
    whole = epoch(loader, 5)
    loader.sampler.set_epoch(5)  # type: ignore[attr-defined]
    list(islice(loader, 4))
    state = loader.state_dict()
    resumed = EpochLoader(
        DATA, batch_size=10, sampler=loader.sampler, collate_fn=collate, num_workers=workers
    )
    resumed.load_state_dict(state)
    assert torch.equal(epoch(resumed, 5), whole[40:])
    assert torch.equal(epoch(resumed, 5), whole), "the next pass is whole"
    resumed.load_state_dict(state)
    assert len(epoch(resumed, 6)) == 103, "and so is another epoch"


def test_processes_train_on_equal_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = shuffled(DATA, 10, seed=0)  # made before there are processes
    shares = []
    for rank in (0, 1):
        process(monkeypatch, rank, 2)
        shares.append(epoch(loader, 5))
    assert [len(share) for share in shares] == [52, 52]
    assert set(torch.cat(shares).tolist()) == set(range(103))


def test_processes_evaluate_each_image_once_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = []
    for rank in range(4):
        process(monkeypatch, rank, 4)
        loader = ordered(DATA, 10)
        parts.append(labels_of(loader))
        assert len(loader) == -(-len(parts[-1]) // 10)
    assert torch.equal(torch.cat(parts), LABELS)


def test_a_loader_of_somebody_elses_takes_the_data_set() -> None:
    for data in (DATA, Subset(DATA, range(103))):
        assert torch.equal(labels_of(DataLoader(data, batch_size=10)), LABELS)
        assert torch.equal(labels_of(DataLoader(data, 10, collate_fn=collate)), LABELS)


def test_torchs_random_state_is_not_touched() -> None:
    before = torch.get_rng_state()
    labels_of(shuffled(DATA, 10, seed=0))
    assert torch.equal(torch.get_rng_state(), before)
