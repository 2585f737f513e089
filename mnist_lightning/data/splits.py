"""Images and labels of a split of the data."""

from pathlib import Path

import torch
from torch import Tensor

from mnist_lightning.data.download import SHA256
from mnist_lightning.data.idx import read_idx
from mnist_lightning.errors import DataError

CLASSES = 10
SIDE = 28  # pixels


def read_split(raw_dir: Path, prefix: str, count: int, official: bool) -> tuple[Tensor, Tensor]:
    """Read the images and labels of a split.

    Args:
        raw_dir: Folder of the two files.
        prefix: Of their names: ``train`` or ``t10k``.
        count: Of images.
        official: They must be the official files, byte for byte.

    Returns:
        Images, (N, 1, 28, 28) uint8, and labels, (N,) int64 in 0..9.

    Raises:
        DataError: A file is missing, damaged or another.
    """
    names = f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"
    hashes = [SHA256[name][1] if official else None for name in names]
    images = read_idx(raw_dir / names[0], (count, SIDE, SIDE), hashes[0])
    labels = read_idx(raw_dir / names[1], (count,), hashes[1]).long()
    if labels.max() >= CLASSES:
        raise DataError(f"{raw_dir / names[1]} is damaged: it holds the label {labels.max()}")
    return images.unsqueeze(1), labels


def stratified(labels: Tensor, size: int, seed: int) -> Tensor:
    """Choose images at random so that each digit has its share; (N,) bool.

    Shuffled, then sorted by digit, every (N / size)-th is taken: systematic sampling.
    """
    shuffled_index = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    by_digit = shuffled_index[labels[shuffled_index].sort(stable=True).indices]
    every = (torch.arange(size) * len(labels)).div(max(size, 1), rounding_mode="floor")
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    chosen[by_digit[every]] = True
    return chosen
