"""Batches that are none."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch import Tensor
from torch.nn import functional as F

from mnist_lightning import ConvNet
from mnist_lightning.models.batch import check_targets, cross_entropy, split, to_classes

IMAGES = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
CLASSES = torch.tensor([3, 0, 9, 3])
LOGITS = torch.rand(4, 10, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("images", "mistake"),
    [
        (IMAGES[0], "no batch"),
        (IMAGES[0, 0], "no batch"),
        (IMAGES[:, 0], "no channel"),
        (IMAGES.permute(0, 2, 3, 1), "channel is last"),
        (IMAGES.permute(0, 2, 3, 1).repeat(1, 1, 1, 3), "channel is last"),
        (IMAGES.repeat(1, 3, 1, 1), "more than one channel"),
        (torch.rand(4, 1, 32, 32), "another size"),
        (torch.rand(4, 784), "four dimensions"),
        ((IMAGES * 255).byte(), "uint8: divide by 255"),
        (IMAGES.long(), "int64: divide by 255"),
        (IMAGES * 255, "scale to"),
        (IMAGES.numpy(), "ndarray"),
        (IMAGES.tolist(), "list"),
    ],
)
def test_images_are_refused_with_the_likely_mistake(images: Any, mistake: str) -> None:
    with pytest.raises(ValueError, match=rf"images must be \(B, 1, 28, 28\) .*{mistake}"):
        ConvNet((2,), (4,))(images)


@pytest.mark.parametrize("images", [IMAGES, IMAGES[:0], (IMAGES - 0.13) / 0.05])
def test_images_are_taken(images: Tensor) -> None:
    assert ConvNet((2,), (4,))(images).shape == (len(images), 10)


@pytest.mark.parametrize(
    "targets", [CLASSES, CLASSES.int(), CLASSES.byte(), F.one_hot(CLASSES, 10), np.eye(10)[CLASSES]]
)
def test_targets_are_classes_or_shares(targets: Any) -> None:
    taken = check_targets(torch.as_tensor(targets), LOGITS, 10)
    loss = F.cross_entropy(LOGITS, taken).item()
    chances = LOGITS.double().softmax(1).numpy()
    assert loss == pytest.approx(log_loss(CLASSES, chances, labels=range(10)), rel=1e-5)
    assert torch.equal(to_classes(torch.as_tensor(targets)), CLASSES)


@pytest.mark.parametrize(
    "targets", [CLASSES[:, None], CLASSES[:3], CLASSES.float(), torch.rand(4, 3), torch.tensor(3)]
)
def test_other_targets_are_refused(targets: Tensor) -> None:
    with pytest.raises(ValueError, match=r"must be \(4,\) integers, or \(4, 10\) with a share"):
        check_targets(targets, LOGITS, 10)


@pytest.mark.parametrize(("label", "given"), [(10, "0 to 10"), (-1, "-1 to 9")])
def test_labels_beyond_the_classes_are_named(label: int, given: str) -> None:
    labels = torch.tensor([label, 0, 9, 3])
    with pytest.raises(ValueError, match=f"is 10: labels must be 0 to 9; these are {given}$"):
        cross_entropy(LOGITS, labels)


def test_a_network_of_other_classes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gives \(4, 10\): must be \(B, 7\) logits"):
        check_targets(CLASSES, LOGITS, 7)


@pytest.mark.parametrize(
    ("batch", "named"),
    [
        ({"image": IMAGES, "label": CLASSES}, "a dict of image, label"),
        ((IMAGES,), "of 1 parts"),
        ((IMAGES, CLASSES, CLASSES), "of 3 parts"),
        (IMAGES, "Tensor"),
        ([IMAGES, "seven"], "of 2 parts"),
    ],
)
def test_a_batch_is_a_pair(batch: Any, named: str) -> None:
    with pytest.raises(ValueError, match=f"must be a pair of tensors.* not {named}"):
        split(batch)
