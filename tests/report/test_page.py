"""The page of a run, read by a parser."""

from dataclasses import asdict
from html.parser import HTMLParser
from typing import Any

import torch

from mnist_lightning.report.page import PICTURES, render_page
from mnist_lightning.report.scores import compute_scores

HOSTILE = "<script src=http://evil.example>\"'&"
VOID = {"meta", "img", "br"}


class Parsed(HTMLParser):
    """Tags with their attributes, the text between them, and what is left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

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


def page(source: str = "mnist", name: str = "version_0", **evaluations: dict[str, Any]) -> str:
    summary = {
        "source": source,
        **{"epochs": 5, "steps": 9375, "parameters": 1_048_394, "seconds": 61.2},
        "layers": [[name, "(B, 10)", 1290]],
        "settings": {"model.lr": 0.001, "model.name": name},
        "versions": {"torch": name},
    }
    pictures = dict.fromkeys(PICTURES, b"\x89PNG")
    return render_page(name, f"fit --config {name}", summary, evaluations, pictures)


def test_needs_nothing_from_elsewhere() -> None:
    parsed = Parsed(page(figures=scores(images="held-out images"), test=scores()))
    assert not parsed.open
    for tag, attributes in parsed.tags:
        assert tag not in ("script", "link", "iframe", "base", "object")
        assert not {"href", "srcset", "style", "action", "onload"} & attributes.keys()
    pictures = [attributes for tag, attributes in parsed.tags if tag == "img"]
    assert len(pictures) == len(PICTURES)
    for picture in pictures:
        assert (picture["src"] or "").startswith("data:image/png;base64,")
        assert picture["alt"]
    assert "://" not in page()
    assert "url(" not in page()
    metas = [attributes for tag, attributes in parsed.tags if tag == "meta"]
    assert any(meta.get("name") == "viewport" for meta in metas)


def test_a_hostile_name_is_text() -> None:
    given = scores(images=HOSTILE, source=HOSTILE, checkpoint=HOSTILE)
    for source in ("mnist", HOSTILE):
        parsed = Parsed(page(source, HOSTILE, test=given))
        harmless = Parsed(page("mnist", test=scores()))
        assert [tag for tag, _ in parsed.tags] == [tag for tag, _ in harmless.tags]
        assert [set(each) for _, each in parsed.tags] == [set(each) for _, each in harmless.tags]
        assert parsed.texts.count(HOSTILE) == 5  # name, images, layer, setting, version


def test_shows_the_scores() -> None:
    text = " ".join(Parsed(page(test=scores(checkpoint="best.ckpt"))).texts)
    for part in ("66.67%", "of 3 classified correctly", "best.ckpt", "3 taken for 5", "1,048,394"):
        assert part in text
    assert "SYNTHETIC" not in text
    digits = text[text.index("Precision") :].split()
    assert digits[digits.index("3") :][:5] == ["3", "1.0000", "0.5000", "0.6667", "2"]
    assert "- - - 0" in " ".join(digits), "nothing is known of a digit that was not there"


def test_of_the_same_images_the_later_scores() -> None:
    latest = page(figures=scores(), test=scores(checkpoint="last.ckpt"))
    text = " ".join(Parsed(latest).texts)
    assert text.count("Test images") == 1
    assert "last.ckpt" in text
    assert "after the last epoch" not in text


def test_says_that_digits_are_synthetic() -> None:
    assert "SYNTHETIC DIGITS" in page("synthetic")
