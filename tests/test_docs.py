"""The documentation: its tables are those of the results, and its pages name all that there is."""

import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import mnist_lightning

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks" / "results"
PAGES = sorted(DOCS.glob("*.md"))
CALLBACKS = {"Report", "History", "Board", "LayerTable", "PredictionWriter", "ProgressBar"}


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(DOCS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_tables_are_up_to_date(page: Path) -> None:
    from tables import fill

    text = page.read_text(encoding="utf-8")
    assert fill(text) == text, "run python docs/tables.py"


def rows(table: str) -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    return {line[0]: line[1:] for line in lines[2:]}


def test_accuracies_are_means_over_the_seeds() -> None:
    from tables import accuracy

    runs = json.loads((RESULTS / "seeds-lightning-default.json").read_text())["runs"]
    values = [run["history"]["val_accuracy"][-1] for run in runs.values()]
    expected = [len(values), np.mean(values), np.std(values, ddof=1)]
    found = rows(accuracy())["this library"][:3]
    assert [float(x) for x in found] == pytest.approx(expected, abs=1e-5)


def test_steps_are_medians_and_shares_of_the_matrix_product() -> None:
    from tables import steps

    file = json.loads((RESULTS / "peers-small.json").read_text())
    ms = np.median(file["results"]["ours: fit"]["ms"])
    product = np.median(file["results"]["matrix product"]["ms"])
    share = file["flops"] / ms / (2 * 2048**3 / product)
    assert rows(steps())["ours: fit"][:2] == [f"{ms:.1f}", f"{share:.0%}"]
    fastest = [float(row[0]) for row in rows(steps()).values()]
    assert fastest == sorted(fastest)


def test_each_file_of_fashion_mnist_is_in_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tables

    kept = json.loads((RESULTS / "seeds-lightning-fashion_mnist.json").read_text())
    runs = {
        str(seed): {"history": {"val_accuracy": [0.5, value]}, "seconds": 100 * value}
        for seed, value in enumerate((0.9, 0.95, 1.0))
    }
    another = kept | {"command": "python seeds.py -- --config x.yaml", "runs": runs}
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    for name, content in (("fashion_mnist", kept), ("fashion_accurate", another)):
        (tmp_path / f"seeds-lightning-{name}.json").write_text(json.dumps(content))
    (tmp_path / "seeds-lightning-fast.json").write_text("not read")
    found = rows(tables.fashion())
    # of 0.9, 0.95 and 1.0, and of 90, 95 and 100 seconds
    assert found["`--config x.yaml`"] == ["2", "3", "0.95000", "0.05000", "95"]
    assert found["`--data.dataset fashion_mnist`"][1:3] == ["3", "0.92180"]


def test_startup_is_there_when_it_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tables

    machine = json.loads((RESULTS / "peers-small.json").read_text())["machine"]
    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    assert tables.startup() == ""
    taken = {"import torch": [2.0, 4.0, 3.0], "--version": [0.2, 0.2, 0.6]}
    results = json.dumps({"seconds": taken, "machine": machine})
    (tmp_path / "startup.json").write_text(results)
    # ratios of each round: 0.1, 0.05 and 0.2
    assert rows(tables.startup())["`--version`"] == ["0.20", "0.10 times `import torch`"]


def write_handwriting(folder: Path) -> None:
    """Ten pictures of each of four kinds, numbers of two spacings, and a reader that is missing."""
    machine = json.loads((RESULTS / "peers-small.json").read_text())["machine"]
    made = {"command": "python benchmarks/handwriting.py pretrained", "machine": machine}
    right = {"enlarged": 10, "mouse": 9, "photo": 5, "empty, photo": 8}
    counts = {"numbers": 4, "numbers_right": 3, "digits": 10, "digits_right": 9}
    touching = {"numbers": 4, "numbers_right": 1, "digits": 30, "digits_right": 15}
    found = {
        "right": right,
        "numbers": {"numbers, wide": counts, "numbers, touching": touching},
        "calibration_error": 0.01234,
    }
    others = {"ours": found, "theirs": {**found, "right": dict.fromkeys(right, 1)}}
    peers = {**made, "pictures": 10, "readers": {**others, "third": {"missing": "no such program"}}}
    for name, content in (("pretrained", {**made, "pictures": 10, **found}), ("peers", peers)):
        (folder / f"handwriting-{name}.json").write_text(json.dumps(content))


def test_pictures_are_counted_by_kind_and_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tables

    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    assert tables.handwriting_peers() == "Not measured yet."
    write_handwriting(tmp_path)
    found = rows(tables.handwriting())
    assert found["**with a digit**"][:2] == ["80.0%", "62.7% to 90.5%"]  # Wilson's formula
    assert found["drawings and files"][0] == "95.0%"
    assert found["drawings and files"][2] == "enlarged 100.0%; mouse 90.0%"
    assert found["empty, shadows"][::2] == ["80.0%", "photo 80.0%"]
    assert "tables" not in found, "no kind of that group was measured"
    assert "0.0123" in tables.handwriting()
    assert rows(tables.numbers()) == {
        "wide": ["4", "75.0%", "10", "90.0%"],
        "touching": ["4", "25.0%", "30", "50.0%"],
        "**all**": ["8", "50.0%", "40", "60.0%"],
    }
    assert rows(tables.handwriting_peers()) == {
        "one digit": ["80.0%", "10.0%"],
        "no digit": ["80.0%", "10.0%"],
        "digits of numbers": ["60.0%", "60.0%"],
        "whole numbers": ["50.0%", "50.0%"],
    }


def test_groups_of_pictures_are_those_of_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    from tables import picture_groups

    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    pictures = import_module("pictures")
    every = {**pictures.GROUPS, **pictures.EMPTY_GROUPS}
    assert picture_groups() == {name: [*kinds] for name, kinds in every.items()}


def test_the_architecture_names_each_module() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    package = Path(mnist_lightning.__file__).parent
    modules = {path for path in package.rglob("*.py") if path.name != "__init__.py"}
    names = {path.name for path in modules} | {f"{path.parent.name}/" for path in modules}
    missing = {name for name in names if not re.search(rf"^ +{re.escape(name)} ", text, re.M)}
    assert missing - {"mnist_lightning/"} == set()


def test_the_reference_names_each_public_name() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    named = {name.rpartition(".")[2] for name in re.findall(r"^::: (\S+)", text, re.MULTILINE)}
    assert {*mnist_lightning.__all__} - {"__version__"} | CALLBACKS <= named


def test_the_notebook_becomes_a_page() -> None:
    pytest.importorskip("mkdocs")
    from hooks import NOTEBOOK, to_page

    page, pictures = to_page(json.loads((ROOT / NOTEBOOK).read_text(encoding="utf-8")))
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())
    assert all(f"({uri})" in page for uri in pictures)
    assert "9,898 classified correctly" in page
