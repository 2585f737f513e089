"""What is chosen on held-out images: the temperature, and the threshold of rejection."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from non_digits import KNOWN, UNKNOWN
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from torch import Tensor

from mnist_lightning.data.idx import read_idx, sound_shape
from mnist_lightning.handwriting.rejection import Rejection

MOST_REFUSED = 0.001  # of held-out digits
HIGHEST = 0.5  # threshold: what is more probably a digit than none is never refused


def choose(rejection: Rejection, net: torch.nn.Module, folder: Path) -> dict[str, object]:
    """Temperature and threshold for the card, with how many of each group they refuse.

    Args:
        rejection: Of the network, with any threshold and temperature.
        net: The network, of ten logits.
        folder: ``held_out`` of ``training_set.py``.
    """
    groups = {name: read(folder, name) for name in ("digits", "pictures", "known", "unknown")}
    scores = {
        name: in_batches(rejection.digit_probability, images)
        for name, (images, _) in groups.items()
    }
    pairs = zip(groups["digits"], groups["pictures"], strict=True)
    images, labels = (torch.cat(each) for each in pairs)
    threshold = choose_threshold(torch.cat([scores["digits"], scores["pictures"]]).numpy())
    refused = {name: share_below(scores[name], threshold) for name in groups}
    for name, families in (("known", KNOWN), ("unknown", UNKNOWN)):
        for i, family in enumerate(families):
            refused[family] = share_below(scores[name][groups[name][1] == i], threshold)
    logits = in_batches(net, images)
    return {
        "temperature": fit_temperature(logits, labels),
        "threshold": threshold,
        "refused": refused,
    }


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature with the least negative log-likelihood: Guo et al. (2017), section 4.2."""

    def loss(log_temperature: float) -> float:
        return float(F.cross_entropy(logits / np.exp(log_temperature), labels))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def choose_threshold(digits: NDArray[np.float32]) -> float:
    """The highest threshold that refuses no more digits than it may, by their probabilities."""
    return min(HIGHEST, float(np.sort(digits)[int(MOST_REFUSED * len(digits))]))


def share_below(scores: Tensor, threshold: float) -> float:
    """Share of images that a threshold refuses."""
    return float((scores < threshold).float().mean())


def read(folder: Path, name: str) -> tuple[Tensor, Tensor]:
    """Images (N, 1, 28, 28) float32 in [0, 1], and labels (N,) int64."""
    path = folder / f"{name}-images-idx3-ubyte"
    shape = sound_shape(path)
    labels = read_idx(folder / f"{name}-labels-idx1-ubyte", shape[:1]).long()
    return read_idx(path, shape)[:, None] / 255, labels


@torch.inference_mode()
def in_batches(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """What a function of images gives, 500 at a time."""
    return torch.cat([function(batch) for batch in torch.split(images, 500)])
