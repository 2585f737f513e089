"""The page of a run: one file that needs no other."""

import json
import shlex
from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from mnist_lightning.data.datamodule import TITLES
from mnist_lightning.files import atomic_write
from mnist_lightning.report import summary
from mnist_lightning.report.closing import named
from mnist_lightning.report.scores import describe_pair

FILE_NAME = "report.html"
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
    return named("Page", path)


def render_page(folder: Path) -> str:
    """Render the page as HTML; all text that comes from the run is escaped."""
    loader = FileSystemLoader(Path(__file__).parent)
    jinja = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    jinja.filters.update(
        base64=lambda path: b64encode(path.read_bytes()).decode(),
        scores=lambda digit: map(summary.cell, digit.values()),
        confusion=lambda pair: (describe_pair(*list(pair.values())[:2]), pair["count"]),
    )
    metrics = {"figures": folder / "validation/metrics.json", "test": folder / "test/metrics.json"}
    found = {part: json.loads(path.read_bytes()) for part, path in metrics.items() if path.exists()}
    config = folder.resolve() / "config.yaml"
    # the command that repeats the run does not tell where on this machine it lies
    base = Path.cwd() if config.is_relative_to(Path.cwd()) else config.parents[1]
    older = dict.fromkeys(("date", "recipe", "machine")) | {"changed": {}}  # 0.1 wrote none
    return jinja.get_template("page.html.j2").render(
        run=folder.resolve(),
        config=shlex.quote(config.relative_to(base).as_posix()) if config.is_file() else None,
        summary=older | json.loads((folder / "summary.json").read_bytes()),
        titles=TITLES,
        warning=summary.WARNING,
        # of evaluations on the same images the later one
        evaluations={scores["images"]: (part, scores) for part, scores in found.items()},
    )
