"""Train with several seeds; table of the last epochs' accuracies, not the best ones', and times.

Each seed's run is written to the results file as soon as it ends; seeds that stand there already
are not run again.
"""

import argparse
import csv
import json
import os
import shlex
import subprocess
import sys
import tempfile
from math import nan, sqrt
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from machine import describe, one_line
from scipy.stats import t

HERE = Path(__file__).parent
Run = dict[str, Any]


def run_lightning(seed: int, options: list[str], data_dir: str) -> Run:
    """Run our ``fit`` as users do; its history and duration."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mnist_lightning", "fit", *options]
        command += ["--data.source", "mnist", "--data.data_dir", data_dir]
        command += ["--trainer.logger.save_dir", folder, "--seed_everything", str(seed)]
        subprocess.run(command, check=True)
        (run,) = Path(folder).glob("*/version_0")
        with (run / "history.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    history = {name: [float(row[name]) for row in rows] for name in rows[0] if name != "epoch"}
    return {"history": history, "seconds": summary["seconds"]}


def run_keras(seed: int, options: list[str], data_dir: str) -> Run:
    """Run Keras's ``fit``; its history and duration."""
    command = [sys.executable, str(HERE / "keras_fit.py"), "--data_dir", data_dir, *options]
    environment = {"KERAS_BACKEND": "torch", **os.environ}
    done = subprocess.run(
        [*command, "--seed", str(seed)], env=environment, stdout=subprocess.PIPE, check=True
    )
    run: Run = json.loads(done.stdout.splitlines()[-1])
    return run


RUNNERS = {"lightning": run_lightning, "keras": run_keras}


def statistics(accuracies: list[float]) -> dict[str, float]:
    """n, mean, standard deviation, and the half width of the mean's 95 % interval (Student's t)."""
    n = len(accuracies)
    spread = stdev(accuracies) if n > 1 else nan
    half = float(t.ppf(0.975, n - 1)) * spread / sqrt(n) if n > 1 else nan
    return {"n": n, "mean": mean(accuracies), "sd": spread, "half": half}


def table(results: dict[str, Any]) -> str:
    """Lay out the seeds, their summary, the command and the machine."""
    finals = {seed: run["history"]["val_accuracy"][-1] for seed, run in results["runs"].items()}
    # an older file does not tell the time of each seed
    seconds = {seed: run["seconds"] or nan for seed, run in results["runs"].items()}
    lines = [
        f"seed {seed:>3}  val_accuracy {value:.4f}  {seconds[seed]:>8.1f} s"
        for seed, value in finals.items()
    ]
    s = statistics(list(finals.values()))
    lines.append(
        f"n {s['n']}  mean {s['mean']:.5f}  sd {s['sd']:.5f}  "
        f"95 % interval {s['mean'] - s['half']:.5f} to {s['mean'] + s['half']:.5f}  "
        f"median {median(seconds.values()):.1f} s"
    )
    return "\n".join([*lines, results["command"], one_line(results["machine"])])


def main() -> None:
    """Run the seeds that are missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--framework", choices=sorted(RUNNERS), default="lightning")
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to N - 1")
    parser.add_argument("--data_dir", default="data", help="holds MNIST/raw")
    parser.add_argument("--name", default="default", help="part of the results file's name")
    parser.add_argument("options", nargs="*", help="after --: options of fit, or of keras_fit.py")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder to write to")
    given = parser.parse_args()
    path = given.results / f"seeds-{given.framework}-{given.name}.json"
    path.parent.mkdir(exist_ok=True)
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else {}
    command = shlex.join(["python", *sys.argv])
    results = {"command": command, "machine": describe(), "runs": runs}
    for seed in range(given.seeds):
        if str(seed) not in runs:
            runs[str(seed)] = RUNNERS[given.framework](seed, given.options, given.data_dir)
            path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
