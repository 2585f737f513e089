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
# What a file of the run may cause whose content is not what it should be
DAMAGED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)

Json = Mapping[str, Any]


def write_page(folder: Path) -> str:
    """Write the page from the files in a run's folder; say where it is, or what failed."""
    path = folder / FILE_NAME
    try:
        text = render_page(**_read_run(folder))
    except (OSError, TemplateError, *DAMAGED):
        return f"{path} is not written anew: a file of the run is missing or damaged"
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return f"Page of the run: {path}"


def render_page(
    name: str,
    command: str,
    summary: Json,
    evaluations: Mapping[str, Json],
    pictures: Mapping[str, bytes],
) -> str:
    """Render the page as HTML; all text that comes from the run is escaped.

    Args:
        name: Of the run's folder.
        command: What repeats the run; empty where nothing is known to.
        summary: Content of its ``summary.json``.
        evaluations: Content of each ``metrics.json``, by the folder of its pictures.
        pictures: PNG files, named as in ``PICTURES``.
    """
    # of evaluations on the same images the later one
    latest = {
        scores["images"]: _section(*pair) for pair in evaluations.items() for scores in pair[1:]
    }
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("page.html.j2").render(
        name=name,
        source=_source(summary),
        warning=WARNING if summary["source"] == "synthetic" else "",
        sections=latest.values(),
        facts={key: f"{summary[key]:,.0f}" for key in ("epochs", "steps", "parameters", "seconds")},
        command=command,
        training=TRAINING,
        summary=summary,
        alternatives=PICTURES,
        pictures={key: b64encode(png).decode() for key, png in pictures.items()},
    )


def _section(folder: str, scores: Json) -> Json:
    """What the page shows of a set of images."""
    low, high = scores["interval"]
    checkpoint = scores["checkpoint"]
    own = [name for name in PICTURES if name.startswith(f"{folder}/") and name not in TRAINING]
    return {
        "title": str(scores["images"]).capitalize(),
        "source": _source(scores),
        "when": f"checkpoint {checkpoint}" if checkpoint else "after the last epoch",
        "numbers": {
            f"of {scores['count']:,} classified correctly": f"{scores['accuracy']:.2%}",
            "its 95 % interval": f"{low:.2%} to {high:.2%}",
            "loss": f"{scores['loss']:.4f}",
            "calibration error": f"{scores['calibration_error']:.4f}",
        },
        "digits": [[_rounded(value) for value in each.values()] for each in scores["digits"]],
        "confusions": [
            (f"{each['label']} taken for {each['digit']}", each["count"])
            for each in scores["confusions"]
        ],
        "pictures": own,
    }


def _source(content: Json) -> str:
    return TITLES.get(str(content["source"]), "other data")


def _rounded(value: int | float | None) -> int | str:
    """A score with four decimals; a dash where it is undefined."""
    return value if isinstance(value, int) else "-" if value is None else f"{value:.4f}"


def _read_run(folder: Path) -> dict[str, Any]:
    """Read what a run left behind, as ``render_page`` takes it."""
    return {
        "name": folder.resolve().name,
        "command": _command(folder),
        "summary": _read(folder / "summary.json"),
        "evaluations": {
            name: _read(path)
            for name, place in METRICS.items()
            if (path := folder / place / "metrics.json").is_file()
        },
        "pictures": {
            name: path.read_bytes()
            for name in PICTURES
            if (path := folder / f"{name}.png").is_file()
        },
    }


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _command(folder: Path) -> str:
    """What repeats the run, without telling where on this machine it lies."""
    config = folder.resolve() / "config.yaml"
    if not config.is_file():
        return ""
    near = config.is_relative_to(Path.cwd())
    shown = config.relative_to(Path.cwd()) if near else Path(folder.resolve().name, config.name)
    return f"python -m mnist_lightning fit --config {shlex.quote(str(shown))}"
