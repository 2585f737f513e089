"""The page of a run: one HTML file that needs no other."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from mnist_lightning.data.datamodule import TITLES

# Path in the run's folder, without .png: what the picture shows, for who cannot see it
PICTURES = {
    "figures/curves": "Loss and accuracy after each epoch",
    "figures/predictions": "The first images classified correctly and incorrectly",
    "figures/confusion_matrix": "How often each digit was taken for each",
    "test/confusion_matrix": "How often each digit was taken for each",
    "test/mistakes": "The mistakes with the highest loss",
    "test/attention": "Which pixels spoke for the worst mistakes",
    "test/reliability": "How probable predictions are, and how often right",
    "test/filters": "The filters of the first layer",
}
TRAINING = ("figures/curves", "figures/predictions")
WARNING = "SYNTHETIC DIGITS: generated images, not MNIST; figures say nothing of MNIST."
# Whatever a name may hold, no script runs and nothing is fetched
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --line: #d5d9e0; --soft: #5c6370; --box: #f3f4f8; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 860px; margin: 0 auto; padding: 1rem; }
h1 { margin: .5rem 0 0; overflow-wrap: anywhere; }
h2 { margin: 2.4rem 0 .8rem; border-bottom: 1px solid var(--line); }
figure { margin: 1.4rem 0; break-inside: avoid; }
img { max-width: 100%; height: auto; background: #fff; border-radius: 6px; }
.soft { color: var(--soft); margin: 0; }
.warning { background: #a34a06; color: #fff; padding: .6rem .9rem; border-radius: 6px; }
.numbers { display: flex; flex-wrap: wrap; gap: .7rem; margin: 1rem 0; }
.numbers div { background: var(--box); border-radius: 8px; padding: .5rem .9rem; flex: 1 0 auto; }
.numbers b { display: block; font-size: 1.25rem; }
.tables { display: flex; flex-wrap: wrap; gap: 1rem 3rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem 1.2rem .2rem 0; border-bottom: 1px solid var(--line); text-align: left; }
.tables :is(th, td):not(:first-child), :is(th, td):nth-child(n + 3) { text-align: right; }
pre { background: var(--box); padding: .7rem .9rem; border-radius: 6px; overflow-x: auto; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a3f49; --soft: #a2a8b5; --box: #23272f; }
  body { background: #16181d; color: #e4e6eb; }
  img { filter: brightness(.88); }
}
@media print {
  body { max-width: none; font-size: 11pt; }
  h2 { break-after: avoid; }
  img { max-height: 24cm; }
  pre { white-space: pre-wrap; }
}
"""

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """What a run left behind.

    Attributes:
        name: Of its folder.
        command: What repeats it; empty where nothing is known to.
        summary: Content of its ``summary.json``.
        evaluations: Content of each ``metrics.json``, by the folder of its pictures.
        pictures: PNG files, named as in ``PICTURES``.
    """

    name: str
    command: str
    summary: Json
    evaluations: Mapping[str, Json]
    pictures: Mapping[str, bytes]


def page(run: Run) -> str:
    """Write the page, in HTML; all text that comes from the run is escaped."""
    summary, name = run.summary, escape(run.name)
    facts = {key: f"{summary[key]:,.0f}" for key in ("epochs", "steps", "parameters", "seconds")}
    # of evaluations on the same images the later one
    latest = {scores["images"]: (folder, scores) for folder, scores in run.evaluations.items()}
    body = [
        f"<h1>{name}</h1>",
        f'<p class="soft">Trained on {_source(summary)} with mnist_lightning</p>',
        f'<p class="warning">{WARNING}</p>' if summary["source"] == "synthetic" else "",
        *(_evaluation(run, folder, scores) for folder, scores in latest.values()),
        "<h2>Training</h2>",
        _numbers(facts),
        f"<p>Repeat it with</p>\n<pre>{escape(run.command)}</pre>" if run.command else "",
        _pictures(run, TRAINING),
        "<h2>Layers</h2>",
        _table(("Layer", "Output shape", "Parameters"), summary["layers"]),
        "<h2>Settings</h2>",
        _table(("Option", "Value"), summary["settings"].items()),
        "<h2>Versions</h2>",
        _table(("Package", "Version"), summary["versions"].items()),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{name}, mnist_lightning</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(part for part in body if part)
        + "\n</body>\n</html>\n"
    )


def _evaluation(run: Run, folder: str, scores: Json) -> str:
    """A set of images: what stands in ``metrics.json``, and the pictures beside it."""
    low, high = scores["interval"]
    numbers = {
        f"of {scores['count']:,} classified correctly": f"{scores['accuracy']:.2%}",
        "its 95 % interval": f"{low:.2%} to {high:.2%}",
        "loss": f"{scores['loss']:.4f}",
        "calibration error": f"{scores['calibration_error']:.4f}",
    }
    checkpoint = scores["checkpoint"]
    when = f"checkpoint {checkpoint}" if checkpoint else "after the last epoch"
    digits = [[_rounded(value) for value in digit.values()] for digit in scores["digits"]]
    confusions = [
        (f"{each['label']} taken for {each['digit']}", each["count"])
        for each in scores["confusions"]
    ]
    own = [name for name in PICTURES if name.startswith(f"{folder}/") and name not in TRAINING]
    return "\n".join(
        [
            f"<h2>{escape(str(scores['images']).capitalize())}</h2>",
            f'<p class="soft">{_source(scores)}, {escape(when)}</p>',
            _numbers(numbers),
            '<div class="tables">',
            _table(("Digit", "Precision", "Recall", "F1", "Images"), digits),
            _table(("Most frequent confusions", "Images"), confusions),
            "</div>",
            _pictures(run, own),
        ]
    )


def _source(content: Json) -> str:
    return TITLES.get(str(content["source"]), "other data")


def _rounded(value: int | float | None) -> int | str:
    """What cannot be known is a dash."""
    return value if isinstance(value, int) else "-" if value is None else f"{value:.4f}"


def _numbers(values: Mapping[str, str]) -> str:
    """Numbers to be seen first."""
    boxes = [f"<div><b>{escape(value)}</b>{escape(name)}</div>" for name, value in values.items()]
    return f'<div class="numbers">{"".join(boxes)}</div>'


def _pictures(run: Run, names: Iterable[str]) -> str:
    return "\n".join(
        f'<figure><img alt="{PICTURES[name]}" src="data:image/png;base64,'
        f'{b64encode(run.pictures[name]).decode()}"></figure>'
        for name in names
        if name in run.pictures
    )


def _table(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table that scrolls where it is too wide; nothing without rows."""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    head = "".join(f"<th>{column}</th>" for column in columns)
    return f'<div class="wide"><table>\n<tr>{head}</tr>\n{body}</table></div>' if body else ""


def _cell(value: Any) -> str:
    return f"<td>{escape(f'{value:,}' if type(value) is int else str(value))}</td>"
