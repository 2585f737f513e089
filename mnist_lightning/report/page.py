"""The page of a run, ``report.html``: one file that needs no other, laid out by a template."""

import json
import shlex
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from mnist_lightning.data.datamodule import TITLES
from mnist_lightning.files import atomic_write
from mnist_lightning.report.lines import WARNING

FILE_NAME = "report.html"
METRICS = {"figures": "validation", "test": "test"}  # folder of figures, of their metrics.json
# Part of the page: path in the run's folder, without .png, and what the figure shows, in words
FIGURES = {
    "training": {
        "figures/curves": "Loss and accuracy after each epoch",
        "figures/predictions": "The first images classified correctly and incorrectly",
    },
    "figures": {"figures/confusion_matrix": "How often each digit was taken for each"},
    "test": {
        "test/confusion_matrix": "How often each digit was taken for each",
        "test/mistakes": "The mistakes with the highest loss",
        "test/attention": "Which pixels spoke for the worst mistakes",
        "test/reliability": "How probable predictions are, and how often right",
        "test/filters": "The filters of the first layer",
    },
}
# What a file of the run may cause whose content is not what it should be
DAMAGED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def write_page(folder: Path) -> str:
    """Write the page from the files in a run's folder; say where it is, or what failed."""
    path = folder / FILE_NAME
    try:
        text = render_page(folder)
    except (OSError, TemplateError, *DAMAGED):
        return f"{path} is not written anew: a file of the run is missing or damaged"
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return f"Page of the run: {path}"


def render_page(folder: Path) -> str:
    """Render the page as HTML; all text that comes from the run is escaped."""
    loader = FileSystemLoader(Path(__file__).parent)
    jinja = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    jinja.filters.update(source=_source, scores=_digit_scores, confusion=_confusion)
    metrics = {part: folder / place / "metrics.json" for part, place in METRICS.items()}
    found = [(part, _read(path)) for part, path in metrics.items() if path.is_file()]
    figures = {name: folder / f"{name}.png" for part in FIGURES.values() for name in part}
    pictures = {name: path.read_bytes() for name, path in figures.items() if path.is_file()}
    return jinja.get_template("page.html.j2").render(
        name=folder.resolve().name,
        command=_command(folder),
        summary=_read(folder / "summary.json"),
        warning=WARNING,
        # of evaluations on the same images the later one
        evaluations={scores["images"]: (part, scores) for part, scores in found},
        shown=FIGURES,
        pictures={name: b64encode(png).decode() for name, png in pictures.items()},
    )


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _source(name: object) -> str:
    return TITLES.get(str(name), "other data")


def _digit_scores(digit: Mapping[str, Any]) -> list[int | str]:
    """The row of a class: scores with four decimals, or a dash where undefined."""
    return [
        value if isinstance(value, int) else "-" if value is None else f"{value:.4f}"
        for value in digit.values()
    ]


def _confusion(pair: Mapping[str, Any]) -> tuple[str, int]:
    return f"{pair['label']} taken for {pair['digit']}", pair["count"]


def _command(folder: Path) -> str:
    """What repeats the run, without telling where on this machine it lies."""
    config = folder.resolve() / "config.yaml"
    if not config.is_file():
        return ""
    near = config.is_relative_to(Path.cwd())
    shown = config.relative_to(Path.cwd()) if near else Path(folder.resolve().name, config.name)
    return f"python -m mnist_lightning fit --config {shlex.quote(str(shown))}"
