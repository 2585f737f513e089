"""Count how many pictures of MNIST's test digits are read right, kind by kind.

With --peers a tutorial's way, Tesseract and RapidOCR read the same pictures: readers.py says how to
install them.
"""

import argparse
import json
import shlex
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import readers
import torch
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
TASK: list[Any] = []  # of a process: readers, folder of MNIST, pictures of each kind


def count(
    reading: dict[str, Reader], data_dir: Path, each: int, processes: int
) -> dict[str, Result]:
    """Let each reader read the same pictures of each kind, empty ones, then numbers.

    Returns:
        For each reader ``right``, how many pictures of each kind; ``calibration_error`` of those
        of single digits that it answered; ``numbers``, by their spacing: how many numbers and
        digits there were, and were right. Or ``missing``, the reason.
    """
    kinds = [*KINDS, *EMPTY, *SPACINGS]
    results: dict[str, Result] = {name: {"right": {}, "numbers": {}} for name in reading}
    sure: dict[str, list[tuple[float, bool]]] = {name: [] for name in reading}
    # forked, as readers cannot be sent to a process
    with ProcessPoolExecutor(
        processes, get_context("fork"), _remember, (reading, data_dir, each)
    ) as pool:
        for kind, found in zip(kinds, pool.map(count_kind, range(len(kinds))), strict=True):
            for name, (result, pairs) in found.items():
                if "missing" in result:
                    results[name] = result
                elif "missing" not in results[name]:
                    results[name]["numbers" if kind in SPACINGS else "right"] |= result
                    sure[name] += pairs
    for name, pairs in sure.items():
        if pairs and "missing" not in results[name]:
            results[name]["calibration_error"] = calibration_error(*zip(*pairs, strict=True))
    return results


def _remember(*given: Any) -> None:
    torch.set_num_threads(1)
    TASK[:] = given


def count_kind(number: int) -> dict[str, tuple[Result, list[tuple[float, bool]]]]:
    """For each reader what is right of one kind, and its probabilities beside what is right."""
    reading, data_dir, each = TASK
    kind = [*KINDS, *EMPTY, *SPACINGS][number]
    found: dict[str, tuple[Result, list[tuple[float, bool]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        paths, wanted = write_kind(kind, number, data_dir, each, Path(folder))
        for name, reader in reading.items():
            try:
                answers = reader(paths, kind in SPACINGS)
            except OSError as error:
                found[name] = {"missing": str(error)}, []
                continue
            right = [answer.text == text for answer, text in zip(answers, wanted, strict=True)]
            both = zip(answers, right, strict=True)
            pairs = [(x.probability, y) for x, y in both if x.probability is not None]
            result = compared(wanted, answers) if kind in SPACINGS else sum(right)
            found[name] = {kind: result}, pairs if kind in KINDS else []
    return found


def write_kind(
    kind: str, number: int, data_dir: Path, each: int, folder: Path
) -> tuple[list[Path], list[str]]:
    """Pictures of a kind, and what they show; ``number`` is the kind's and seeds them."""
    images, labels = MNIST.read(data_dir, train=False)
    digits, truth = images[FIRST:, 0].numpy(), labels[FIRST:].numpy()
    if kind in SPACINGS:
        pictures = round(5 * each * SPACINGS[kind].share)
        return write_numbers(digits, truth, kind, folder, pictures, seed=number)
    if kind in EMPTY:
        return write_pictures([BLANK] * each, kind, folder, seed=number), [""] * each
    # digits of its own, until all were used
    here = np.arange(number * each, (number + 1) * each) % len(digits)
    paths = write_pictures(digits[here], kind, folder, seed=number)
    return paths, [str(label) for label in truth[here]]


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
    parser.add_argument("--processes", type=int, default=1, help="kinds that are read at once")
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
    results = count(reading, given.data_dir, given.each, given.processes)
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
