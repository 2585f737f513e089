"""Tables of results, made of the files in ``benchmarks/results``.

What stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` in a page is the answer of the
function of that name. ``python docs/tables.py`` writes it; the site makes it anew.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
SEEDS = {
    "this library": "lightning-default",
    "Keras on torch, the same settings": "keras-default",
    "this library, the original's 61 M parameters": "lightning-original",
}
RECIPES = ("fast", "one_epoch", "accurate_5", "accurate_15")
FASHION = "seeds-lightning-fashion*.json"


def fill(markdown: str) -> str:
    """The text with its tables made anew."""
    return MARKED.sub(lambda found: f"{found[1]}{globals()[found[2]]()}\n{found[3]}", markdown)


def accuracy() -> str:
    """Last epoch's accuracy on the test images, over seeds."""
    runs = {name: read(f"seeds-{file}") for name, file in SEEDS.items()}
    rows = [[name, *statistics(run), seeds(run)] for name, run in runs.items()]
    return table(["", "runs", "mean", "standard deviation", "each"], rows) + made_by(*runs.values())


def recipes() -> str:
    """Accuracy and duration of the recipes, over seeds."""
    return trained([read(f"seeds-lightning-{name}") for name in RECIPES])


def fashion() -> str:
    """The same of what was trained on FashionMNIST: each file that is there."""
    return trained([read(path.stem) for path in sorted(RESULTS.glob(FASHION))])


def trained(runs: list[dict[str, Any]]) -> str:
    """Accuracy and duration by the options of ``fit``; empty where an older run kept no times."""
    rows = []
    for run in runs:
        options = run["command"].partition(" -- ")[2]
        epochs = len(run["runs"]["0"]["history"]["val_accuracy"])
        seconds = [x["seconds"] for x in run["runs"].values()]
        duration = f"{median(seconds):,.0f}" if all(seconds) else ""
        rows.append([f"`{options}`", epochs, *statistics(run), duration])
    head = ["options of `fit`", "epochs", "runs", "mean", "standard deviation", "seconds"]
    return table(head, rows) + made_by(*runs)


def handwriting() -> str:
    """Pictures of each kind that were read right."""
    found = read("handwriting-fast")
    shares = {kind: right / found["pictures"] for kind, right in found["right"].items()}
    digits = [share for kind, share in shares.items() if not kind.startswith("empty")]
    rows = [
        [kind, f"{share:.1%}", "no digit" if kind.startswith("empty") else "the digit"]
        for kind, share in shares.items()
    ]
    rows.insert(0, ["**all with a digit**", f"**{mean(digits):.1%}**", "the digit"])
    head = [f"{found['pictures']} pictures of each kind", "share", "answered as"]
    return table(head, rows) + made_by(found)


def drawing() -> str:
    """Digits drawn on the page that were read right."""
    found = read("drawing-fast")
    share, milliseconds = found["right"] / found["drawn"], 1000 * found["median_seconds"]
    rows = [[found["drawn"], found["right"], f"{share:.1%}", f"{milliseconds:.0f}"]]
    head = ["drawn", "read right", "share", "milliseconds to the answer, median"]
    return table(head, rows) + made_by(found)


def steps() -> str:
    """Milliseconds of a training step, the fastest first."""
    small, original = read("peers-small"), read("peers-original")
    timed = {x: median(y["ms"]) for x, y in small["results"].items() if "loader" not in x}
    product = timed.pop("matrix product")
    peak = 2 * 2048**3 / product
    rows = [
        [
            name,
            f"{ms:.1f}",
            f"{small['flops'] / ms / peak:.0%}",
            f"{median(original['results'][name]['ms']):.1f}",
        ]
        for name, ms in sorted(timed.items(), key=lambda item: item[1])
    ]
    head = ["", "ms", "of a matrix product's rate", "ms, the original's 61 M"]
    return table(head, rows) + made_by(small, original)


def inference() -> str:
    """Milliseconds to classify a batch."""
    files = [read("inference-small"), read("inference-original")]
    rows = [
        [engine, size, *(f"{median(file['ms'][engine][size]):.2f}" for file in files)]
        for engine, sizes in files[0]["ms"].items()
        for size in sizes
    ]
    head = ["", "images", "ms, default network", "ms, the original's 61 M"]
    return table(head, rows) + made_by(*files)


def startup() -> str:
    """Seconds to a command's first answer; "" as long as they are not measured."""
    if not (RESULTS / "startup.json").exists():
        return ""
    found = {"command": "python benchmarks/startup.py", **read("startup")}
    timed = found["seconds"]
    rows = []
    for name, taken in timed.items():
        base = "textbook Lightning, first step" if name == "fit, first step" else "import torch"
        ratios = [a / b for a, b in zip(taken, timed[base], strict=True)]
        rows.append([f"`{name}`", f"{median(taken):.2f}", f"{median(ratios):.2f} times `{base}`"])
    return table(["", "seconds", "ratio"], rows) + made_by(found)


def examples() -> str:
    """What each example shows and prints."""
    found = read("examples")
    rows = []
    for name, ran in found["examples"].items():
        source = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
        shows = source.split('"""')[1].splitlines()[0]
        call = " ".join([f"{name}.py", *("CHECKPOINT" for _ in ran["arguments"])])
        rows.append([f"`{call}`", shows, f"`{ran['output']}`"])
    return table(["in `examples/`", "shows", "prints"], rows) + made_by(found)


def read(name: str) -> dict[str, Any]:
    """A file of results."""
    return dict(json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")))


def finals(run: dict[str, Any]) -> list[float]:
    """Accuracy of each seed after its last epoch."""
    return [x["history"]["val_accuracy"][-1] for x in run["runs"].values()]


def statistics(run: dict[str, Any]) -> list[object]:
    """Count, mean and standard deviation."""
    values = finals(run)
    spread = f"{stdev(values):.5f}" if len(values) > 1 else ""
    return [len(values), f"{mean(values):.5f}", spread]


def seeds(run: dict[str, Any]) -> str:
    """Accuracy of each seed."""
    return ", ".join(f"{value:.4f}" for value in finals(run))


def table(head: list[str], rows: Iterable[list[Any]]) -> str:
    """Markdown of a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def made_by(*results: dict[str, Any]) -> str:
    """The machines of a table, and its commands."""
    machines = {one_line(result["machine"]): None for result in results}
    commands = "\n".join(result["command"] for result in results)
    return f"\n\nMeasured on {'; and '.join(machines)}.\n\n```sh\n{commands}\n```"


def one_line(machine: dict[str, Any]) -> str:
    """Processor, threads and the releases that matter."""
    known = machine["versions"]
    names = {name: known[name] for name in ("python", "torch", "lightning") if name in known}
    threads = f"{machine['threads']} thread{'s' if machine['threads'] > 1 else ''}"
    where = machine["gpu"] or f"{machine['processor']}, {threads}"
    return ", ".join([where, *(f"{name} {number}" for name, number in names.items())])


if __name__ == "__main__":
    for page in Path(__file__).parent.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        page.write_text(fill(text), encoding="utf-8")
