"""The order of the images and the share of each rank."""

import torch
from torch import Tensor

from mnist_lightning.data.batches import Batches, in_order, shuffled

IMAGES = torch.arange(103, dtype=torch.uint8).reshape(103, 1, 1, 1)
LABELS = torch.arange(103)


def epoch(batches: Batches, number: int) -> Tensor:
    assert batches.sampler is not None
    batches.sampler.set_epoch(number)
    images, labels = (torch.cat(part) for part in zip(*batches, strict=True))
    assert torch.equal(images.flatten().long(), labels), "an image goes with its label"
    return labels


def test_order_follows_from_seed_and_epoch_alone() -> None:
    first, again = shuffled(IMAGES, LABELS, 10, seed=1), shuffled(IMAGES, LABELS, 10, seed=1)
    epoch(first, 0)
    assert torch.equal(epoch(first, 3), epoch(again, 3))
    assert not torch.equal(epoch(first, 3), epoch(first, 4))
    assert not torch.equal(epoch(first, 3), epoch(shuffled(IMAGES, LABELS, 10, seed=9), 3))


def test_an_epoch_holds_every_image_once_and_shuffled() -> None:
    batches = shuffled(IMAGES, LABELS, 10, seed=0)
    order = epoch(batches, 0)
    assert torch.equal(order.sort().values, LABELS)
    assert not torch.equal(order, LABELS)
    assert [len(labels) for _, labels in batches] == [10] * 10 + [3]
    assert len(batches) == 11


def test_ranks_train_on_equal_shares() -> None:
    shares = [epoch(shuffled(IMAGES, LABELS, 10, 0, rank, 2), 5) for rank in (0, 1)]
    assert [len(share) for share in shares] == [52, 52]
    assert set(torch.cat(shares).tolist()) == set(range(103))


def test_ranks_evaluate_each_image_once_and_in_order() -> None:
    parts = [list(in_order(IMAGES, LABELS, 10, rank, 4)) for rank in range(4)]
    assert torch.equal(torch.cat([labels for part in parts for _, labels in part]), LABELS)
    lengths = [len(in_order(IMAGES, LABELS, 10, rank, 4)) for rank in range(4)]
    assert [len(part) for part in parts] == lengths


def test_batches_taken_ahead_are_not_given_again() -> None:
    batches = shuffled(IMAGES, LABELS, 10, seed=1)
    order = epoch(batches, 0)
    iterator = iter(batches)
    next(iterator)
    rows = batches.ahead(3)
    assert torch.equal(torch.cat(rows), order[10:40])
    assert batches.state_dict() == {"epoch": 0, "given": 4}
    assert torch.equal(next(iterator)[1], order[40:50])
