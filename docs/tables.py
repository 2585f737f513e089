"""Tables of results, made of the files in ``benchmarks/results``.

What stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` in a page is the answer of the
function of that name. ``python docs/tables.py`` writes it; the site makes it anew.
"""

import ast
import json
import re
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from mnist_lightning.models.interval import wilson_interval

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
    """Pictures of one digit or none that were read right, by group and kind."""
    found = read(by_reader("handwriting"))
    each, right = found["pictures"], found["right"]
    kinds = {name: [x for x in group if x in right] for name, group in picture_groups().items()}
    rows: list[list[object]] = []
    for title, is_empty in (("with a digit", False), ("without a digit", True)):
        groups = {x: y for x, y in kinds.items() if y and y[0].startswith("empty") == is_empty}
        every = [kind for group in groups.values() for kind in group]
        rows.append([f"**{title}**", *share_of(right, every, each), ""])
        for name, group in groups.items():
            shares = (f"{x.removeprefix('empty, ')} {right[x] / each:.1%}" for x in group)
            rows.append([name, *share_of(right, group, each), "; ".join(shares)])
    head = [f"{each} pictures of each kind", "right", "95 % interval", "each kind"]
    error = ""
    if "calibration_error" in found:
        error = f"\n\nExpected calibration error with a digit: {found['calibration_error']:.4f}."
    return table(head, rows) + error + made_by(found)


def numbers() -> str:
    """Numbers of several digits that were read right, by their spacing."""
    counts = read(by_reader("handwriting")).get("numbers")
    if not counts:
        return "Not measured yet."
    keys = next(iter(counts.values()))
    every = {"**all**": {key: sum(x[key] for x in counts.values()) for key in keys}}
    rows = [
        [name.removeprefix("numbers, "), *numbers_right(x)] for name, x in (counts | every).items()
    ]
    return table(["spacing", "pictures", "right", "digits", "right"], rows)


def handwriting_peers() -> str:
    """The same pictures as others read them."""
    if not (RESULTS / "handwriting-peers.json").exists():
        return "Not measured yet."
    found = read("handwriting-peers")
    there = {name: x for name, x in found["readers"].items() if "missing" not in x}
    each = found["pictures"]
    rows = []
    for name, is_empty in (("one digit", False), ("no digit", True)):
        kinds = [x for x in there["ours"]["right"] if x.startswith("empty") == is_empty]
        rows.append([name, *(share_of(x["right"], kinds, each)[0] for x in there.values())])
    for what in ("digits", "numbers"):
        shares = []
        for counts in (x["numbers"].values() for x in there.values()):
            right, of = (sum(x[key] for x in counts) for key in (f"{what}_right", what))
            shares.append(f"{right / of:.1%}")
        rows.append([{"digits": "digits of numbers", "numbers": "whole numbers"}[what], *shares])
    chart = "\n\n![The same as a chart](../benchmarks/results/handwriting-peers.png)"
    return table(["right", *there], rows) + chart + made_by(found)


def by_reader(measured: str) -> str:
    """Name of the results by the network that ships, or else by that of ``configs/fast.yaml``."""
    shipped = f"{measured}-pretrained"
    return shipped if (RESULTS / f"{shipped}.json").exists() else f"{measured}-fast"


def picture_groups() -> dict[str, list[str]]:
    """Kinds of pictures by group, read from their source, whose import would take SciPy."""
    source = (ROOT / "benchmarks" / "pictures.py").read_text(encoding="utf-8")
    tables = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Dict)]
    entries = [pair for each in tables for pair in zip(each.keys, each.values, strict=True)]
    groups = {}
    for key, value in entries:
        if isinstance(key, ast.Constant) and isinstance(value, ast.Dict | ast.Tuple):
            prefix = "empty, " if isinstance(value, ast.Tuple) else ""
            names = (str(x.value) for x in ast.walk(value) if isinstance(x, ast.Constant))
            groups[str(key.value)] = [f"{prefix}{name}" for name in names]
    return groups


def share_of(right: dict[str, int], kinds: list[str], each: int) -> tuple[str, str]:
    """Share of these kinds that is right, and its 95 % interval."""
    count, total = sum(right[kind] for kind in kinds), each * len(kinds)
    low, high = wilson_interval(count, total)
    return f"{count / total:.1%}", f"{max(low, 0):.1%} to {high:.1%}"


def numbers_right(counts: dict[str, int]) -> list[str]:
    """Pictures of numbers and their share that is right, digits and theirs."""
    row = []
    for what in ("numbers", "digits"):
        share = counts[f"{what}_right"] / counts[what]
        row += [f"{counts[what]:,}", f"{share:.1%}"]
    return row


def drawing() -> str:
    """Digits drawn on the page that were read right."""
    found = read(by_reader("drawing"))
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
