"""Images and labels of a split of the data."""

from pathlib import Path

import torch
from torch import Tensor
from torchvision.datasets.mnist import read_image_file, read_label_file

from mnist_lightning.download import DataError, is_intact


def read_split(raw_dir: Path, prefix: str, official: bool) -> tuple[Tensor, Tensor]:
    """Read images, (N, 1, 28, 28) uint8, and labels, (N,) int64."""
    paths = [raw_dir / f"{prefix}-images-idx3-ubyte", raw_dir / f"{prefix}-labels-idx1-ubyte"]
    for path in paths:
        if official and not is_intact(path):
            raise DataError(f"{path} is not the official file: remove it, or run prepare_data")
    return read_image_file(str(paths[0])).unsqueeze(1), read_label_file(str(paths[1]))


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
