"""Time a training step against peers: a process for each, taking turns; medians and spreads.

Keras on TensorFlow and on JAX runs under ``--keras_python``, so that they can have an environment
of their own. Contenders that are not installed are named as missing.
"""

import argparse
import json
import os
import pty
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import torch
from machine import describe, one_line
from matplotlib.figure import Figure
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from mnist_lightning import ConvNet

HERE = Path(__file__).parent
BATCH_SIZE = 32
MATRIX_FLOPS = 2 * 2048**3
TORCH = [
    "ours: fit",
    "ours: bare loop",
    "textbook PyTorch",
    "PyTorch, data resident",
    "textbook Lightning",
    "loader: ours",
    "loader: torchvision",
    "matrix product",
]
KERAS = {
    f"Keras, {backend}{note}": (backend, jit)
    for backend, note, jit in (
        ("tensorflow", ", jit auto", '"auto"'),
        ("tensorflow", ", jit", "true"),
        ("tensorflow", ", no jit", "false"),
        ("jax", "", '"auto"'),
        ("torch", "", '"auto"'),
    )
}


class Contender:
    """A process that trains when it is its turn.

    Args:
        command: Program and arguments.
        environment: What the process sees besides ours.
    """

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        their_turns, turns = os.pipe()
        reports, their_reports = os.pipe()
        screen, terminal = pty.openpty()  # a terminal, so that progress bars are on
        threading.Thread(target=_drain, args=(screen,), daemon=True).start()
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (lives as long as the process)
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=self.errors,
            pass_fds=(their_turns, their_reports),
            env={**os.environ, **environment, "PACE": f"{their_turns},{their_reports}"},
        )
        for descriptor in (their_turns, their_reports, terminal):
            os.close(descriptor)
        self._turns, self._reports = os.fdopen(turns, "w"), os.fdopen(reports)

    def wait(self) -> dict[str, float] | None:
        """The report of the turn that is running; None if the process has ended."""
        line = self._reports.readline()
        report: dict[str, float] | None = json.loads(line) if line else None
        return report

    def turn(self) -> dict[str, float] | None:
        """Let it run a turn."""
        print(file=self._turns, flush=True)
        return self.wait()

    def reason(self) -> str:
        """Why it ended: the last line of what it wrote to stderr."""
        self.process.wait()
        self.errors.seek(0)
        return (self.errors.read().strip().splitlines() or ["no message"])[-1]

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def start(name: str, given: argparse.Namespace, folder: str) -> Contender:
    """Start a contender; its temporary files go to the folder."""
    options = ["--hidden_dims", given.hidden_dims, "--data_dir", given.data_dir]
    options += ["--steps", str(given.steps)]
    if name in KERAS:
        backend, jit = KERAS[name]
        python = sys.executable if backend == "torch" else given.keras_python
        command = [python, str(HERE / "keras_contender.py"), "--jit", jit, *options]
        return Contender(command, {"KERAS_BACKEND": backend, "TMPDIR": folder})
    command = [sys.executable, str(HERE / "torch_contenders.py"), name, *options]
    return Contender(command, {"TMPDIR": folder})


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Start all contenders one after another, then let them take turns.

    Returns:
        For each name ``ms``, the milliseconds a step of each turn, with ``mib``, the peak memory,
        and ``first``, the seconds from the start to the first step; or ``missing``, the reason.
    """
    results: dict[str, Any] = {}
    running: dict[str, Contender] = {}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for name in given.contenders:
            running[name] = contender = start(name, given, folder)
            stack.callback(contender.stop)
            begun = contender.wait()
            first = time.perf_counter() - contender.started
            if begun is None or contender.turn() is None:  # a turn to warm up
                results[name] = {"missing": running.pop(name).reason()}
            else:
                results[name] = {"first": first, "ms": []}
        for _ in range(given.rounds):
            for name, contender in running.items():
                report = contender.turn()
                assert report is not None, f"{name}: {contender.reason()}"
                results[name]["ms"].append(1000 * report["seconds"] / report["steps"])
                results[name]["mib"] = report["mib"]
    return results


def flops(hidden_dims: list[int]) -> int:
    """Floating-point operations of a training step, as torch counts them: zeros like all others."""
    with torch.device("meta"):
        net, images = ConvNet(hidden_dims=hidden_dims), torch.empty(BATCH_SIZE, 1, 28, 28)
        with FlopCounterMode(display=False) as counter:
            F.cross_entropy(net(images), torch.zeros(BATCH_SIZE, dtype=torch.long)).backward()  # type: ignore[no-untyped-call]
    return int(counter.get_total_flops())


def table(data: dict[str, Any]) -> str:
    """Lay out the results, the fastest first, with the command and the machine."""
    results = data["results"]
    lines = [
        f"{'':<28}{'ms a step':>10} {'min':>8} {'max':>8} {'images/s':>10}{'peak':>6}{'MiB':>7}"
    ]
    lines[0] += f"{'first step s':>14}"
    peak = (
        MATRIX_FLOPS / median(results["matrix product"]["ms"]) if "matrix product" in results else 0
    )
    timed = {name: result for name, result in results.items() if "ms" in result}
    for name, result in sorted(timed.items(), key=lambda item: median(item[1]["ms"])):
        ms = median(result["ms"])
        trains = name != "matrix product" and not name.startswith("loader")
        share = f"{data['flops'] / ms / peak:.0%}" if trains and peak else ""
        rate = f"{1000 * BATCH_SIZE / ms:,.0f}" if name != "matrix product" else ""
        lines.append(
            f"{name:<28}{ms:>10.2f} {min(result['ms']):>8.2f} {max(result['ms']):>8.2f} {rate:>10}"
            f"{share:>6}{result['mib']:>7,.0f}{result['first']:>14.1f}"
        )
    lines += [f"{n:<28}missing: {r['missing'][:90]}" for n, r in results.items() if "missing" in r]
    return "\n".join([*lines, data["command"], one_line(data["machine"])])


def chart(data: dict[str, Any]) -> Figure:
    """One bar for each contender that trains: median, with the range of its turns."""
    timed = {
        name: result["ms"]
        for name, result in data["results"].items()
        if "ms" in result and not name.startswith(("loader", "matrix"))
    }
    names = sorted(timed, key=lambda name: -median(timed[name]))
    middles = [median(timed[name]) for name in names]
    below = [m - min(timed[name]) for m, name in zip(middles, names, strict=True)]
    above = [max(timed[name]) - m for m, name in zip(middles, names, strict=True)]
    figure = Figure(figsize=(8, 0.45 * len(names) + 1.2), layout="constrained")
    axes = figure.subplots()
    colours = ["tab:orange" if name.startswith("ours") else "tab:blue" for name in names]
    axes.barh(names, middles, xerr=[below, above], color=colours, capsize=3)
    axes.set_xlabel("milliseconds a training step of 32 images (median; line: fastest to slowest)")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _drain(screen: int) -> None:
    """Read what is written to a terminal until it is closed."""
    try:
        while os.read(screen, 4096):
            pass
    except OSError:  # Linux's way to say that the other side is closed
        pass


def main() -> None:
    """Measure, print the table, write JSON and chart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="small", help="part of the results files' names")
    parser.add_argument("--hidden_dims", default="[128]")
    parser.add_argument("--steps", type=int, default=60, help="training steps of a turn")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender")
    parser.add_argument("--data_dir", default="data", help="holds MNIST/raw")
    parser.add_argument("--keras_python", default=sys.executable, help="with TensorFlow and JAX")
    parser.add_argument("--contenders", nargs="+", default=[*TORCH, *KERAS], metavar="NAME")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder to write to")
    given = parser.parse_args()
    data = {
        "command": shlex.join(["python", *sys.argv]),
        "machine": describe(),
        "flops": flops(json.loads(given.hidden_dims)),
        "results": measure(given),
    }
    path = given.results / f"peers-{given.name}"
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    chart(data).savefig(path.with_suffix(".png"), dpi=120)
    print(table(data))


if __name__ == "__main__":
    main()
