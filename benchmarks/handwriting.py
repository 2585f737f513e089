"""Count how many pictures of MNIST's test digits are read right, kind by kind.

With --peers a tutorial's way, Tesseract and RapidOCR read the same pictures: readers.py says how to
install them.
"""

import argparse
import json
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import readers
from composed_numbers import SPACINGS, write_numbers
from machine import describe, one_line
from pictures import BLANK, EMPTY, KINDS, write_pictures
from readers import Answer, Reader
from reading_scores import calibration_error, digits_right
from reading_table import chart, side_by_side, table

from mnist_lightning.data.datasets import MNIST

HERE = Path(__file__).parent
FIRST = 5_000  # the constants of framing.py were chosen on pictures of digits before
Result = dict[str, Any]


def count(reading: dict[str, Reader], data_dir: Path, each: int) -> dict[str, Result]:
    """Let each reader read the same pictures of each kind, empty ones, then numbers.

    Returns:
        For each reader ``right``, how many pictures of each kind; ``calibration_error`` of those
        of single digits that it answered; ``numbers``, by their spacing: how many numbers and
        digits there were, and were right. Or ``missing``, the reason.
    """
    results: dict[str, Result] = {name: {"right": {}, "numbers": {}} for name in reading}
    sure: dict[str, list[tuple[float, bool]]] = {name: [] for name in reading}
    for kind, paths, wanted in batches(data_dir, each):
        for name, reader in reading.items():
            if "missing" in results[name]:
                continue
            try:
                answers = reader(paths, kind in SPACINGS)
            except OSError as error:
                results[name] = {"missing": str(error)}
                continue
            if kind in SPACINGS:
                results[name]["numbers"][kind] = compared(wanted, answers)
                continue
            right = [answer.text == text for answer, text in zip(answers, wanted, strict=True)]
            results[name]["right"][kind] = sum(right)
            if kind in KINDS:
                both = zip(answers, right, strict=True)
                sure[name] += [(x.probability, y) for x, y in both if x.probability is not None]
    for name, pairs in sure.items():
        if pairs:
            results[name]["calibration_error"] = calibration_error(*zip(*pairs, strict=True))
    return results


def batches(data_dir: Path, each: int) -> Iterator[tuple[str, list[Path], list[str]]]:
    """For each kind its name, its pictures, and what they show."""
    images, labels = MNIST.read(data_dir, train=False)
    digits, truth = images[FIRST:, 0].numpy(), labels[FIRST:].numpy()
    for i, kind in enumerate([*KINDS, *EMPTY, *SPACINGS]):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if kind in SPACINGS:
                pictures = round(5 * each * SPACINGS[kind].share)
                yield kind, *write_numbers(digits, truth, kind, folder, pictures, seed=i)
            elif kind in EMPTY:
                yield kind, write_pictures([BLANK] * each, kind, folder, seed=i), [""] * each
            else:  # digits of its own, until all were used
                here = np.arange(i * each, (i + 1) * each) % len(digits)
                paths = write_pictures(digits[here], kind, folder, seed=i)
                yield kind, paths, [str(label) for label in truth[here]]


def compared(wanted: list[str], answers: list[Answer]) -> dict[str, int]:
    """Numbers, one or more rows a picture, beside what was read."""
    pairs = [(text, answer.text) for text, answer in zip(wanted, answers, strict=True)]
    return {
        "numbers": len(pairs),
        "numbers_right": sum(text == found for text, found in pairs),
        "digits": sum(len(text.replace("\n", "")) for text in wanted),
        "digits_right": sum(digits_right(*pair) for pair in pairs),
    }


def main() -> None:
    """Count, print the table, write JSON, and of several readers a chart."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", help="as of predict's --ckpt_path")
    parser.add_argument("--name", default="fast", help="part of the results file's name")
    parser.add_argument("--each", type=int, default=200, help="pictures of each kind")
    parser.add_argument("--data_dir", type=Path, default=Path("data"), help="where MNIST lies")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder to write to")
    parser.add_argument("--peers", action="store_true", help="what others make of the same")
    parser.add_argument("--rapidocr_python", default=sys.executable, help="that has RapidOCR")
    given = parser.parse_args()
    reading = {"ours": readers.ours(given.checkpoint)}
    if given.peers:
        reading["a tutorial's way"] = readers.tutorial(given.checkpoint)
        reading["Tesseract"] = readers.tesseract()
        reading["RapidOCR"] = readers.rapidocr(given.rapidocr_python)
    results = count(reading, given.data_dir, given.each)
    machine, command = describe(), shlex.join(["python", *sys.argv])
    data = {"command": command, "machine": machine, "pictures": given.each}
    path = given.results / f"handwriting-{'peers' if given.peers else given.name}.json"
    if given.peers:
        data["readers"] = results
        chart(results, given.each).savefig(path.with_suffix(".png"), dpi=120)
        print(side_by_side(results, given.each))
    else:
        data |= results["ours"]
        print(table(results["ours"], given.each))
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(command, one_line(machine), sep="\n")


if __name__ == "__main__":
    main()
