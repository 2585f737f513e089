"""The page of a run, written from the files in its folder."""

import json
import shlex
from pathlib import Path

from mnist_lightning.checkpoints.checkpoint import CONTENT_ERRORS
from mnist_lightning.files import atomic_write
from mnist_lightning.report.page import PICTURES, Run, page

FILE_NAME = "report.html"
EVALUATIONS = {"figures": "validation", "test": "test"}  # folder of pictures, of metrics.json


def write_page(folder: Path) -> str:
    """Write the page of the run in a folder, or write it anew; say where it is, or what failed."""
    path = folder / FILE_NAME
    try:
        text = page(read_run(folder))
    except (OSError, *CONTENT_ERRORS):
        return f"{path} is not written anew: a file of the run is missing or damaged"
    with atomic_write(path) as draft:
        draft.write_text(text, encoding="utf-8")
    return f"Page of the run: {path}"


def read_run(folder: Path) -> Run:
    """Read what a run left behind.

    Raises:
        OSError: There is no ``summary.json``.
        ValueError: A file is damaged.
    """
    evaluations = {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name, place in EVALUATIONS.items()
        if (path := folder / place / "metrics.json").is_file()
    }
    pictures = {
        name: path.read_bytes() for name in PICTURES if (path := folder / f"{name}.png").is_file()
    }
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return Run(folder.resolve().name, _command(folder), summary, evaluations, pictures)


def _command(folder: Path) -> str:
    """What repeats the run, without telling where on this machine it lies."""
    config = folder.resolve() / "config.yaml"
    if not config.is_file():
        return ""
    near = config.is_relative_to(Path.cwd())
    shown = config.relative_to(Path.cwd()) if near else Path(folder.resolve().name, config.name)
    return f"python -m mnist_lightning fit --config {shlex.quote(str(shown))}"
