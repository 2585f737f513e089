"""What the site is made of beside the pages in ``docs``: a hook of MkDocs."""

import base64
import json
import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))  # MkDocs loads a hook by its path
from tables import fill  # noqa: E402 (needs the path)

REFERENCED = {
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "model_card.md": "mnist_lightning/models/pretrained/MODEL_CARD.md",
    "images/peers-small.png": "benchmarks/results/peers-small.png",
    "images/peers-original.png": "benchmarks/results/peers-original.png",
    "images/handwriting-peers.png": "benchmarks/results/handwriting-peers.png",
}
NOTEBOOK, PAGE = "notebooks/keras_to_lightning.ipynb", "keras_to_lightning.md"
KERAS, OURS, SHOWN = 'python title="Keras"', 'python title="Lightning"', 'text title="Output"'


def on_files(files: Files, config: Any) -> Files:
    """Add what lies elsewhere in the project, and the notebook as a page."""
    for uri, name in REFERENCED.items():
        if (ROOT / name).exists():  # not all of what can be measured has been
            files.append(File.generated(config, uri, content=(ROOT / name).read_bytes()))
    page, pictures = to_page(json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8")))
    files.append(File.generated(config, PAGE, content=page))
    for uri, content in pictures.items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Make the tables anew, and lead links out of ``docs`` to the pages made here."""
    markdown = fill(markdown)
    for uri, name in {**REFERENCED, PAGE: NOTEBOOK}.items():
        markdown = markdown.replace(f"](../{name}", f"]({uri}")
    return markdown


def to_page(notebook: dict[str, Any]) -> tuple[str, dict[str, bytes]]:
    """Markdown of a notebook with what its cells show, and the pictures by their addresses."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        source, is_code = "".join(cell["source"]), cell["cell_type"] == "code"
        source = source.replace("```python", f"```{KERAS}")
        parts.append(fenced(source, OURS) if is_code else source)
        for output in cell.get("outputs", []):
            shown = output.get("data", {})
            if "image/png" in shown:
                uri = f"images/notebook-{len(pictures)}.png"
                pictures[uri] = base64.b64decode("".join(shown["image/png"]))
                parts.append(f"![What the cell shows]({uri})")
            else:
                text = output.get("text") or shown.get("text/plain", "")
                parts.append(fenced("".join(text).rstrip(), SHOWN))
    return "\n\n".join(parts) + "\n", pictures


def fenced(text: str, language: str) -> str:
    """A block of code."""
    return f"```{language}\n{text}\n```"
