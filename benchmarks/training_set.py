"""Compose what the network that ships is trained on: MNIST, what it lacks, and what is no digit.

The folder has the four files of ``--data.dataset``, and in ``held_out/`` those on which the
temperature and the threshold of rejection are chosen: none of their images is in training.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from deformed import deform
from forms import DIGITS
from framed import Pixels, Random
from non_digits import KNOWN, PEN_RADIUS, UNKNOWN, Labelled, draw_families, known
from numpy.typing import NDArray
from pictures import KINDS, write_pictures

from mnist_lightning.data.datasets import MNIST
from mnist_lightning.data.generated import render_digits
from mnist_lightning.data.idx import write_idx
from mnist_lightning.data.pictures.decoding import read_image
from mnist_lightning.data.pictures.framing import frame_digit

HELD_OUT = 5_000  # of MNIST's training images, the last
DEFORMED, GENERATED, NON_DIGITS = 25_000, 15_000, 15_000
NO_DIGIT = 10  # the eleventh class
RARE = (1, 4, 7, 9)  # digits whose forms MNIST lacks most: generated twice as often


def compose(folder: Path, data_dir: Path, scale: float = 1.0, seed: int = 0) -> None:
    """Write the folder; ``scale`` is the share of its full size, (0, 1]."""
    images, labels = (each.numpy() for each in MNIST.read(data_dir, train=True))
    images, taken = images[:, 0], round(scale * (len(labels) - HELD_OUT))
    random = np.random.default_rng(seed)
    digits = images[:taken], labels[:taken]
    parts = [digits, *added(digits, DEFORMED, GENERATED, scale, random)]
    other = known(round(scale * NON_DIGITS), digits, random)
    parts.append((other, np.full(len(other), NO_DIGIT)))
    write(folder, "train", parts)
    tests, names = (each.numpy() for each in MNIST.read(data_dir, train=False))
    write(folder, "t10k", [(tests[:, 0], names)])
    rest = (
        images[-HELD_OUT:][: round(scale * HELD_OUT)],
        labels[-HELD_OUT:][: round(scale * HELD_OUT)],
    )
    hold_out(folder / "held_out", rest, scale, random)


def hold_out(folder: Path, digits: Labelled, scale: float, random: Random) -> None:
    """Write digits, pictures of digits, and families of non-digits, whose labels count from 0."""
    write(folder, "digits", [digits, *added(digits, 1_000, 1_000, scale, random)])
    write(folder, "pictures", simulated(digits, max(1, round(scale * 50)), random))
    familiar = [draw for _, draw in KNOWN.values()]
    for name, families, each in (("known", familiar, 100), ("unknown", [*UNKNOWN.values()], 300)):
        counts = [max(2, round(scale * each))] * len(families)
        drawn = draw_families(families, counts, digits, random)
        write(folder, name, [(ink, np.full(len(ink), i)) for i, ink in enumerate(drawn)])


def added(
    digits: Labelled, deformed: int, generated: int, scale: float, random: Random
) -> list[Labelled]:
    """Digits deformed, and generated ones of more forms."""
    chosen = random.permutation(len(digits[1]))[: round(scale * deformed)]
    shares = np.where(np.isin(np.arange(10), RARE), 2, 1)
    labels = random.choice(10, round(scale * generated), p=shares / shares.sum())
    generator = torch.Generator().manual_seed(int(random.integers(2**31)))
    drawn = render_digits(torch.from_numpy(labels), generator, DIGITS, PEN_RADIUS).numpy()
    return [(deform(digits[0][chosen], random), digits[1][chosen]), (drawn, labels)]


def simulated(digits: Labelled, each: int, random: Random) -> list[Labelled]:
    """Digits as they are framed in simulated pictures of each kind, where one is found."""
    parts = []
    for seed, kind in enumerate(KINDS):
        chosen = random.choice(len(digits[1]), each)
        with TemporaryDirectory() as scratch:
            files = write_pictures(digits[0][chosen], kind, Path(scratch), seed)
            framed = [frame_digit(read_image(file)) for file in files]
        found = np.array([image is not None for image in framed])
        parts.append((np.stack([i for i in framed if i is not None]), digits[1][chosen][found]))
    return parts


def write(folder: Path, name: str, parts: list[tuple[Pixels, NDArray[np.int64]]]) -> None:
    """Write images and labels as MNIST's files are, and say how many."""
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = (torch.from_numpy(np.concatenate(each)) for each in zip(*parts, strict=True))
    write_idx(folder / f"{name}-images-idx3-ubyte", images)
    write_idx(folder / f"{name}-labels-idx1-ubyte", labels)
    print(f"{folder / name}: {len(labels):,} images", flush=True)


def main() -> None:
    """Compose the set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="to write to")
    parser.add_argument("--data_dir", type=Path, default=Path("data"), help="where MNIST lies")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size")
    given = parser.parse_args()
    start = time.monotonic()
    compose(given.folder, given.data_dir, given.scale)
    print(f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
