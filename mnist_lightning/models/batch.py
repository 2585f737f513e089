"""A batch, checked: what comes from elsewhere is refused with what was wanted."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

IMAGE_SIZE = 28
SHAPE = (1, IMAGE_SIZE, IMAGE_SIZE)
NO_TENSORS = (np.ndarray, list, tuple)
BRIGHTEST = 20.0  # far above images in [0, 1], standardised ones too, and far below 255


def check_images(images: Tensor, values: bool) -> None:
    """Refuse what is not (B, 1, 28, 28) float by a ValueError with the likely mistake.

    Args:
        images: Given to a network. Those of a compiler or a tracer pass, as they would take the
            check for a part of what is computed.
        values: Whether to look at the numbers too, for which a GPU would wait.
    """
    if torch.compiler.is_compiling():
        return
    if isinstance(images, NO_TENSORS):
        kind = type(images).__name__
        raise ValueError(
            f"images must be (B, 1, 28, 28) float in [0, 1]; these are no tensor: {kind}"
        )
    tracing = torch.jit.is_tracing()  # type: ignore[attr-defined,no-untyped-call]
    if type(images) is not Tensor or tracing:
        return
    shape = tuple(images.shape)
    if shape[1:] != SHAPE:
        given = f"are of shape {shape}: {_mistake(shape)}"
    elif not images.is_floating_point():
        given = f"are {images.dtype}: divide by 255, as images.float() / 255"
    elif values and images.amax() > BRIGHTEST:
        given = f"are up to {images.amax():g}: scale to [0, 1], as images / 255"
    else:
        return
    raise ValueError(f"images must be (B, 1, 28, 28) float in [0, 1]; these {given}")


def _mistake(shape: tuple[int, ...]) -> str:
    if (shape[:1] == (1,) and len(shape) == 3) or shape == SHAPE[1:]:
        return "no batch; give images.reshape(1, 1, 28, 28)"
    if shape[1:] == SHAPE[1:]:
        return "no channel; give images.unsqueeze(1)"
    if len(shape) == 4 and shape[3] in (1, 3) and shape[1] not in (1, 3):
        return "the channel is last; give images.permute(0, 3, 1, 2), with one channel"
    if len(shape) == 4 and shape[1] != 1:
        return "more than one channel; give grey images, as images.mean(1, keepdim=True)"
    if len(shape) == 4:
        return "another size; resize or crop them to 28 x 28"
    return "not four dimensions"


def split(batch: Any) -> tuple[Tensor, Tensor]:
    """Images and targets of a batch; a ValueError where it is no pair of tensors."""
    pair = isinstance(batch, tuple | list) and len(batch) == 2
    if not pair or not all(isinstance(part, Tensor) for part in batch):
        kind = f"of {len(batch)} parts" if isinstance(batch, tuple | list) else type(batch).__name__
        if isinstance(batch, Mapping):
            kind = f"a dict of {', '.join(map(str, batch))}"
        raise ValueError(
            f"a batch must be a pair of tensors, images and targets, not {kind}; "
            "unpack it in on_after_batch_transfer of a subclass or data module"
        )
    return batch[0], batch[1]


def check_targets(targets: Tensor, logits: Tensor, classes: int) -> Tensor:
    """Bring targets into the form that cross-entropy takes.

    Args:
        targets: (B,) integers, or (B, C), one-hot or the probability of each class.
        logits: (B, C) float.
        classes: C.

    Returns:
        (B,) int64, or (B, C) of the logits' type.

    Raises:
        ValueError: They, or the logits, are of another shape.
    """
    if logits.shape[1:] != (classes,):
        raise ValueError(f"the network gives {tuple(logits.shape)}: must be (B, {classes}) logits")
    if targets.shape == logits.shape:
        return targets.to(logits.dtype)
    if targets.shape == logits.shape[:1] and not targets.is_floating_point():
        return targets.long()
    raise ValueError(
        f"targets must be ({len(logits)},) integers, or ({len(logits)}, {classes}) with a share "
        f"for each class; these are {tuple(targets.shape)} {targets.dtype}"
    )


def cross_entropy(logits: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """Compute the cross-entropy of each image, (B,) float, in nats.

    Args:
        logits: (B, C) float.
        targets: (B,) int64 in [0, C), or (B, C) of the logits' type.
        label_smoothing: Share of each target that is spread evenly over all classes, [0, 1).

    Raises:
        ValueError: A label is not in [0, C). A GPU finds this later, and tells less.
    """
    try:
        return F.cross_entropy(logits, targets, reduction="none", label_smoothing=label_smoothing)
    except IndexError as error:
        first, last = targets.aminmax()
        count = logits.shape[1]
        raise ValueError(
            f"num_classes is {count}: labels must be 0 to {count - 1}; these are {first} to {last}"
        ) from error


def to_classes(targets: Tensor) -> Tensor:
    """The class of each target, (B,) int64: the likeliest of (B, C)."""
    return targets.argmax(dim=1) if targets.dim() == 2 else targets.long()
