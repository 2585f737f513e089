"""Count how many pictures of MNIST's test digits are read right, kind by kind."""

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import describe, one_line
from pictures import KINDS, write_pictures

from mnist_lightning import predict_images
from mnist_lightning.data import TEST_SIZE
from mnist_lightning.evaluation import wilson_interval
from mnist_lightning.splits import read_split

HERE = Path(__file__).parent


def count(checkpoint: str, raw_dir: Path, each: int) -> dict[str, dict[str, int]]:
    """Read pictures of each kind, of digits of their own; pictures, right ones and "no digit"."""
    images, labels = read_split(raw_dir, "t10k", TEST_SIZE, official=True)
    counts = {}
    for i, kind in enumerate(KINDS):
        here = slice(i * each, (i + 1) * each)
        with tempfile.TemporaryDirectory() as folder:
            paths = write_pictures(images[here, 0].numpy(), kind, Path(folder), seed=i)
            found = predict_images(paths, checkpoint)
        right = sum(p.digit == label for p, label in zip(found, labels[here].tolist(), strict=True))
        none = sum(p.digit is None for p in found)
        counts[kind] = {"pictures": each, "right": right, "no digit": none}
    return counts


def row(name: str, right: int, pictures: int) -> str:
    """A line of the table."""
    low, high = wilson_interval(right, pictures)
    return (
        f"{name:<14} {right:>5} of {pictures:>5}  {right / pictures:.1%}  {low:.1%} to {high:.1%}"
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
    counts = count(given.checkpoint, given.data_dir / "MNIST" / "raw", given.each)
    machine, command = describe(), shlex.join(["python", *sys.argv])
    data: dict[str, Any] = {"command": command, "machine": machine, "counts": counts}
    path = given.results / f"handwriting-{given.name}.json"
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    for kind, found in counts.items():
        print(row(kind, found["right"], found["pictures"]))
    total = sum(found["right"] for found in counts.values())
    print(row("all", total, given.each * len(counts)), command, one_line(machine), sep="\n")


if __name__ == "__main__":
    main()
