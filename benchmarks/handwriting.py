"""Count how many pictures of MNIST's test digits are read right, kind by kind."""

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path

import numpy as np
from machine import describe, one_line
from numpy.typing import NDArray
from pictures import KINDS, write_pictures

from mnist_lightning import predict_images
from mnist_lightning.data.datasets import MNIST
from mnist_lightning.report.scores import wilson_interval

HERE = Path(__file__).parent
FIRST = 5_000  # the constants of framing.py were chosen on pictures of digits before
EMPTY = ("inverted", "paper", "ruled paper", "photo", "chalk")  # kinds without a digit


def count(checkpoint: str, data_dir: Path, each: int) -> dict[str, int]:
    """Read pictures of each kind, of digits of their own, then empty ones; how many are right."""
    images, labels = MNIST.read(data_dir, train=False)
    right = {}
    for i, kind in enumerate(KINDS):
        here = slice(FIRST + i * each, FIRST + (i + 1) * each)
        digits, wanted = images[here, 0].numpy(), labels[here].tolist()
        right[kind] = read(checkpoint, kind, digits, wanted, seed=i)
    for kind in EMPTY:
        blank = np.zeros((each, 28, 28), np.uint8)
        right[f"empty, {kind}"] = read(checkpoint, kind, blank, [None] * each, seed=0)
    return right


def read(
    checkpoint: str, kind: str, digits: NDArray[np.uint8], wanted: list[int | None], seed: int
) -> int:
    """How many pictures of digits, (N, 28, 28), give what is wanted; None for "no digit"."""
    with tempfile.TemporaryDirectory() as folder:
        found = predict_images(write_pictures(digits, kind, Path(folder), seed), checkpoint)
    return sum(each.digit == answer for each, answer in zip(found, wanted, strict=True))


def row(name: str, right: int, pictures: int) -> str:
    """A line of the table."""
    low, high = wilson_interval(right, pictures)
    return (
        f"{name:<18} {right:>5} of {pictures:>5}  {right / pictures:.1%}  {low:.1%} to {high:.1%}"
    )


def main() -> None:
    """Count, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", help="as of predict's --ckpt_path")
    parser.add_argument("--name", default="fast", help="part of the results file's name")
    parser.add_argument("--each", type=int, default=200, help="pictures of each kind")
    parser.add_argument("--data_dir", type=Path, default=Path("data"), help="where MNIST lies")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder to write to")
    given = parser.parse_args()
    right = count(given.checkpoint, given.data_dir, given.each)
    machine, command = describe(), shlex.join(["python", *sys.argv])
    data = {"command": command, "machine": machine, "pictures": given.each, "right": right}
    path = given.results / f"handwriting-{given.name}.json"
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(row("all kinds", sum(right[kind] for kind in KINDS), given.each * len(KINDS)))
    for kind, number in right.items():
        print(row(kind, number, given.each))
    print(command, one_line(machine), sep="\n")


if __name__ == "__main__":
    main()
