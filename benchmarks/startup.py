"""Seconds from a command to its first answer, as multiples of ``python -c "import torch"``.

All commands take turns, in processes of their own and in an empty folder. MNIST lies in ``data/``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from urllib.request import ProxyHandler, build_opener

from machine import describe, one_line
from PIL import Image, ImageDraw

HERE = Path(__file__).parent
TORCH, TEXTBOOK, FIT = "import torch", "textbook Lightning, first step", "fit, first step"
MISTYPED, PAGE = "fit, a mistyped option", "draw, page"
GOALS = {  # of the ratio to what is named
    "--version": (TORCH, 0.1),
    "--help": (TORCH, 0.1),
    MISTYPED: (TORCH, 0.3),
    "draw --help": (TORCH, 0.3),
    "export --help": (TORCH, 0.3),
    "predict --data.predict_path seven.png": (TORCH, 1.4),
    PAGE: (TORCH, 1.4),
    FIT: (TEXTBOOK, 1.15),
}


def commands(data_dir: str) -> dict[str, list[str]]:
    """Arguments of Python, by name."""
    ours = {name: ["-m", "mnist_lightning", *name.split()] for name in GOALS}
    ours[MISTYPED] = ["-m", "mnist_lightning", "fit", "--trainer.max_epoch", "3"]
    ours[PAGE] = ["-m", "mnist_lightning", "draw", "--port", "0", "--browser", "false"]
    fit = ["fit", "--data.data_dir", data_dir, "--trainer.callbacks", "first_step.FirstStep"]
    ours[FIT] = ["-m", "mnist_lightning", *fit]
    textbook = [str(HERE / "textbook.py"), data_dir]
    return {TORCH: ["-c", TORCH], TEXTBOOK: textbook, **ours}


def seconds(arguments: list[str], folder: str, asks_page: bool) -> float:
    """Time a process until it ends or, of ``draw``, until its page is there."""
    paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        if asks_page and process.stdout:
            url = next(line.split()[2] for line in process.stdout if line.startswith("Draw at"))
            build_opener(ProxyHandler({})).open(url).read()
        else:
            process.communicate()
        taken = time.perf_counter() - start
        process.kill()
    return taken


def main() -> None:
    """Measure, print the table and write ``results/startup.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="turns of each command")
    parser.add_argument("--data_dir", default="data", help="folder of MNIST")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder to write")
    options = parser.parse_args()
    lines = commands(str(Path(options.data_dir).resolve()))
    taken: dict[str, list[float]] = {name: [] for name in lines}
    with tempfile.TemporaryDirectory() as folder:
        draw_seven(Path(folder, "seven.png"))
        for _ in range(options.rounds):
            for name, arguments in lines.items():
                taken[name].append(seconds(arguments, folder, name == PAGE))
    machine = describe()
    results = {"seconds": taken, "machine": machine}
    path = options.results / "startup.json"
    path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(table(taken), one_line(machine), sep="\n")


def table(taken: dict[str, list[float]]) -> str:
    """Lay out medians, and the ratio of each round with its quartiles."""
    lines = [f"{'command':<40}{'s':>7}{'ratio':>8}{'quartiles':>16}{'goal':>7}"]
    for name, values in taken.items():
        base, goal = GOALS.get(name, (TORCH, None))
        ratios = [value / other for value, other in zip(values, taken[base], strict=True)]
        low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else (ratios * 3)
        spread = f"{low:.2f} to {high:.2f}"
        lines.append(
            f"{name:<40}{median(values):>7.2f}{median(ratios):>8.3f}{spread:>16}{goal or '':>7}"
        )
    return "\n".join(lines)


def draw_seven(path: Path) -> None:
    """Draw a picture of a 7."""
    sheet = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(sheet).line([(60, 50), (130, 50), (80, 150)], fill="black", width=9)
    sheet.save(path)


if __name__ == "__main__":
    main()
