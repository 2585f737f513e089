"""The page of a run, read by a parser."""

import json
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch

from mnist_lightning.report.page import render_page, write_page
from mnist_lightning.report.scores import compute_scores

HOSTILE = "<script src=http://evil.example>\"'&"
VOID = {"meta", "img"}
DRAWN = {"confusion_matrix", "mistakes", "attention", "reliability", "filters"}
PICTURES = [f"figures/{name}" for name in ("curves", "predictions", "confusion_matrix")]
PICTURES += [f"test/{name}" for name in sorted(DRAWN)]


class Parsed(HTMLParser):
    """Tags with their attributes, the text between them, and what is left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, "tags close in order"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def scores(**changes: Any) -> dict[str, Any]:
    labels = torch.tensor([3, 3, 5])
    content = asdict(compute_scores(torch.eye(10)[torch.tensor([3, 5, 5])], labels))
    return {"images": "test images", "source": "mnist", "checkpoint": None, **content, **changes}


def render(folder: Path, source: str, name: str, **evaluations: dict[str, Any]) -> str:
    summary = {
        "source": source,
        **{"epochs": 5, "steps": 9375, "parameters": 1_048_394, "seconds": 61.2},
        "layers": [[name, "(B, 10)", 1290]],
        "settings": {"model.lr": 0.00001, "model.name": name},
        "versions": {"torch": name},
    }
    contents = {"summary": summary}
    contents |= {f"{place}/metrics": metrics for place, metrics in evaluations.items()}
    for place, content in contents.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{place}.json").write_text(json.dumps(content))
    for place in PICTURES:
        (folder / place).parent.mkdir(exist_ok=True)
        (folder / f"{place}.png").write_bytes(b"\x89PNG")
    return render_page(folder)


def test_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    held_out = scores(images="held-out images")
    text = render(tmp_path, "mnist", "run", validation=held_out, test=scores())
    tags = Parsed(text).tags
    for tag, attributes in tags:
        assert tag not in ("script", "link", "iframe", "base", "object")
        assert not {"href", "srcset", "style", "action", "onload"} & attributes.keys()
    pictures = [attributes for tag, attributes in tags if tag == "img"]
    assert len(pictures) == len(PICTURES)
    for picture in pictures:
        assert picture["src"] == "data:image/png;base64,iVBORw=="
        assert picture["alt"]
    assert "://" not in text
    assert "url(" not in text
    metas = [attributes for tag, attributes in tags if tag == "meta"]
    (policy,) = (meta["content"] for meta in metas if "http-equiv" in meta)
    assert (policy or "").startswith("default-src 'none'; ")
    assert any(meta.get("name") == "viewport" for meta in metas)


def test_a_hostile_name_is_text(tmp_path: Path) -> None:
    folder = tmp_path / HOSTILE.replace("/", "")
    given = scores(images=HOSTILE, source=HOSTILE, checkpoint=HOSTILE)
    harmless = Parsed(render(tmp_path / "run", "mnist", "conv1", test=scores())).tags
    for source in ("mnist", HOSTILE):
        parsed = Parsed(render(folder, source, HOSTILE, test=given))
        assert [tag for tag, _ in parsed.tags] == [tag for tag, _ in harmless]
        assert [set(each) for _, each in parsed.tags] == [set(each) for _, each in harmless]
        assert parsed.texts.count(HOSTILE) == 4  # images, layer, setting, version
        assert folder.name in parsed.texts


def test_shows_the_scores(tmp_path: Path) -> None:
    text = " ".join(
        Parsed(render(tmp_path, "mnist", "run", test=scores(checkpoint="b.ckpt"))).texts
    )
    for part in ("66.67%", "of 3 classified correctly", "b.ckpt", "3 taken for 5", "1,048,394"):
        assert part in text
    assert "SYNTHETIC" not in text
    words = text.split()
    assert "1e-05" in words, "settings in full"
    digits = words[words.index("Precision") :]
    assert digits[digits.index("3") :][:5] == ["3", "1.0000", "0.5000", "0.6667", "2"]
    assert "- - - 0" in " ".join(digits), "nothing is known of a digit that was not there"


def test_of_the_same_images_the_later_scores(tmp_path: Path) -> None:
    later = scores(checkpoint="last.ckpt")
    text = render(tmp_path, "synthetic", "run", validation=scores(), test=later)
    assert text.count("Test images") == 1
    assert "last.ckpt" in text
    assert "after the last epoch" not in text
    assert "SYNTHETIC DIGITS" in text


@pytest.mark.parametrize("damage", ["{", "[]", '{"source": 1}', "[" * 99_999, None])
def test_a_damaged_file_leaves_the_page_as_it_was(tmp_path: Path, damage: str | None) -> None:
    render(tmp_path, "mnist", "run", test=scores())
    assert write_page(tmp_path) == f"Page of the run: {tmp_path / 'report.html'}"
    before = (tmp_path / "report.html").read_bytes()
    for file in (tmp_path / "test/metrics.json", tmp_path / "summary.json"):
        file.write_text(damage) if damage else file.unlink()
        if damage or file.stem == "summary":
            assert "report.html is not written anew" in write_page(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == before
