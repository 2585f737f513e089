"""The page of a run, read by a parser."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
import torch

from mnist_lightning.report.page import render_page, write_page
from mnist_lightning.report.scores import compute_scores

HOSTILE = "<script src=http://evil.example>\"'&"
DRAWN = {"confusion_matrix", "mistakes", "saliency", "reliability", "filters"}
PICTURES = [f"figures/{name}" for name in ("curves", "predictions", "confusion_matrix")]
PICTURES += [f"test/{name}" for name in DRAWN]


def parse(text: str) -> list[Element]:
    """The elements of a page, which is well-formed and whose pictures are in it."""
    elements = list(fromstring(text).iter())
    assert all(e.get("src", "").startswith("data:image/png;") for e in elements if e.tag == "img")
    return elements


def scores(images: str = "test images", **changes: Any) -> dict[str, Any]:
    predicted, labels = torch.tensor([3, 5, 5]), torch.tensor([3, 3, 5])
    content = asdict(compute_scores(torch.eye(10)[predicted], labels))
    return {"images": images, "source": "mnist", "checkpoint": None, **content, **changes}


def render(folder: Path, source: str, name: str, **evaluations: dict[str, Any]) -> str:
    summary = {
        **{"source": source, "epochs": 5, "steps": 9375, "parameters": 1_048_394, "seconds": 61.2},
        "layers": [[name, "(B, 10)", 1290]],
        "settings": {"model.lr": 0.00001, "model.name": name},
        "versions": {"torch": name},
    }
    files = {"summary.json": json.dumps(summary), **{f"{name}.png": "PNG" for name in PICTURES}}
    files |= {f"{place}/metrics.json": json.dumps(each) for place, each in evaluations.items()}
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    return render_page(folder)


def test_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    held_out = scores("held-out images")
    text = render(tmp_path, "mnist", "run", validation=held_out, test=scores())
    page = parse(text)
    assert not {e.tag for e in page} & {"script", "link", "iframe", "base", "object"}
    attributes = {name for e in page for name in e.attrib}
    assert not {"href", "srcset", "style", "action", "onload"} & attributes
    pictures = [e for e in page if e.tag == "img"]
    assert len(pictures) == len(PICTURES)
    assert {e.get("src") for e in pictures} == {"data:image/png;base64,UE5H"}
    assert all(e.get("alt") for e in pictures)
    assert not any(place in text for place in ("://", "url("))
    (policy,) = (e.get("content", "") for e in page if "http-equiv" in e.attrib)
    assert policy.startswith("default-src 'none'; ")
    assert any(e.get("name") == "viewport" for e in page)


def test_a_hostile_name_is_text(tmp_path: Path) -> None:
    folder = tmp_path / HOSTILE.replace("/", "")
    given = scores(HOSTILE, source=HOSTILE, checkpoint=HOSTILE)
    harmless = parse(render(tmp_path / "run", "mnist", "conv1", test=scores()))
    for source in ("mnist", HOSTILE):
        page = parse(render(folder, source, HOSTILE, test=given))
        pages = (page, harmless)
        shape, expected = ([(e.tag, e.keys()) for e in each if e.tag != "wbr"] for each in pages)
        assert shape == expected
        assert ["".join(e.itertext()) for e in page].count(HOSTILE) == 3  # layer, setting, version
        assert folder.name in [e.text for e in page]


def test_shows_the_scores(tmp_path: Path) -> None:
    page = parse(render(tmp_path, "mnist", "run", test=scores(checkpoint="b.ckpt")))
    text = " ".join(" ".join(page[0].itertext()).split())
    named = ("true 3, predicted 5", "of 3 classified correctly", "test images, checkpoint b.ckpt")
    for part in ("66.67%", *named, "1,048,394"):
        assert part in text
    assert "SYNTHETIC" not in text
    assert " 1e-05 " in text, "settings in full"
    assert " 3 1.0000 0.5000 0.6667 2 " in text
    assert " - - - 0 " in text, "nothing is known of a digit that was not there"


def test_without_a_test_the_scores_are_those_of_the_validation(tmp_path: Path) -> None:
    text = render(tmp_path, "mnist", "run", validation=scores())
    assert "<h2>Test</h2>" not in text
    assert "<h2>Validation</h2>" in text
    assert "MNIST, test images, after the last epoch" in text


def test_tells_where_the_run_comes_from_and_which_settings_are_its_own(tmp_path: Path) -> None:
    render(tmp_path, "mnist", "run", test=scores())
    summary = json.loads((tmp_path / "summary.json").read_text())
    summary |= {"date": "2026-12-01 09:43 UTC", "recipe": "fast.yaml", "machine": "A CPU, 2 cores"}
    summary["changed"] = {"model.lr": 0.001}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    page = parse(render_page(tmp_path))
    said = ["".join(e.itertext()) for e in page]
    assert "2026-12-01 09:43 UTC · recipe fast.yaml · A CPU, 2 cores · torch run" in said
    (row,) = (e for e in page if e.get("class") == "changed")
    assert "".join(row.itertext()) == "model.lr1e-05 (default 0.001)"


def test_of_the_same_images_the_later_scores(tmp_path: Path) -> None:
    later = scores(checkpoint="last.ckpt", confusions=[])
    text = render(tmp_path, "synthetic", "run", validation=scores(), test=later)
    assert text.count("<h2>Test</h2>") == text.count("last.ckpt") == 1
    assert "<h2>Validation</h2>" not in text
    assert "after the last epoch" not in text
    assert "confusions" not in text
    assert "SYNTHETIC DIGITS" in text


@pytest.mark.parametrize("damage", ["{", "[]", '{"source": 1}', "[" * 99_999, None])
def test_a_damaged_file_leaves_the_page_as_it_was(tmp_path: Path, damage: str | None) -> None:
    render(tmp_path, "mnist", "run", test=scores())
    assert write_page(tmp_path) == f"Page:       {tmp_path / 'report.html'}"
    before = (tmp_path / "report.html").read_bytes()
    for file in (tmp_path / "test/metrics.json", tmp_path / "summary.json"):
        file.write_text(damage) if damage else file.unlink()
        if damage or file.stem == "summary":
            assert "report.html is not written anew" in write_page(tmp_path)
    assert (tmp_path / "report.html").read_bytes() == before
