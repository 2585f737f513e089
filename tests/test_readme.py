"""The README and the pages of the documentation: commands, snippets, links and numbers."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from pages import DOCS, README, ROOT, arguments, blocks, commands

from mnist_lightning import MNISTClassifier, MNISTDataModule
from mnist_lightning.cli.help import find_command
from mnist_lightning.cli.known_options import check_options, read_options

PAGES = [README, ROOT / "CONTRIBUTING.md", *DOCS]
FILES = re.compile(r"(configs|examples|benchmarks|notebooks|mnist_lightning)/\S+\.\w+")


def extras() -> set[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return set(tomllib.load(file)["project"]["optional-dependencies"])


def finals(name: str) -> list[float]:
    runs = json.loads((ROOT / f"benchmarks/results/seeds-{name}.json").read_text())["runs"]
    return [run["history"]["val_accuracy"][-1] for run in runs.values()]


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 155


def test_the_two_commands_that_everybody_starts_with() -> None:
    lines = "".join(blocks(README, "sh")).splitlines()
    assert "pip install -e . && python -m mnist_lightning fit --trainer.max_epochs 5" in lines
    assert 'pip install -e ".[test]" && pytest' in lines


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_those_of_the_program(page: Path) -> None:
    for command in commands(page):
        line = shlex.join(command)
        if given := arguments(command):
            check_options(find_command(given), given[1:])
        if command[:2] == ["pip", "install"]:
            assert {*re.findall(r"\.\[(\w+)\]", line)} <= extras(), line
        if command[0] == "python" and command[1].endswith(".py"):
            source = (ROOT / command[1]).read_text(encoding="utf-8")
            own = command[: command.index("--")] if "--" in command else command
            assert all(f'"{x}"' in source for x in own if x.startswith("--")), line
        assert all((ROOT / found[0]).exists() for found in FILES.finditer(line)), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_options_in_sentences_exist(page: Path) -> None:
    known = {name for options in read_options().values() for name in options}
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(r"`[^`\n]*?--([a-z_]+\.[a-z_.]+)", text)
    assert {*named} <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = page.parent / path
        if link.startswith("http"):
            continue
        assert target.is_file(), link
        if anchor and page == README:
            headings = re.findall(r"^#+ (.*)", target.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [heading.lower().replace(" ", "-") for heading in headings], link


@pytest.fixture
def tiny(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has no arguments is small: generated digits, a network of two channels."""
    smaller = {MNISTDataModule: ("data", "synthetic"), MNISTClassifier: ([2, 2], [8])}
    for kind, first in smaller.items():
        start = vars(kind)["__init__"]
        defaults = [*first, *start.__defaults__[2:]]
        if kind is MNISTDataModule:
            defaults[7] = (96, 70)  # synthetic_size
        monkeypatch.setattr(start, "__defaults__", tuple(defaults))


@pytest.mark.parametrize("snippet", blocks(README, "python"))
def test_snippets_print_something(
    snippet: str, tiny: None, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    exec(snippet, {})
    *_, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Evaluation\(accuracy=0\.\d+, loss=\d.*, right=\d+, wrong=\d+\)", last)


# what Lightning says of a run by a plain Trainer on CPU
@pytest.mark.filterwarnings("ignore:.*does not have many workers.*")
@pytest.mark.filterwarnings("ignore:.*smaller than the logging interval.*")
@pytest.mark.filterwarnings("ignore:.*logger.*")
def test_snippets_of_the_page_on_embedding(tiny: None, capsys: pytest.CaptureFixture[str]) -> None:
    scope: dict[str, object] = {}
    for snippet in blocks(ROOT / "docs" / "embedding.md", "python"):
        exec(snippet.replace("max_epochs=5", "max_epochs=1"), scope)
    assert "tensor(" in capsys.readouterr().out


def test_snippets_of_the_page_on_handwriting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    for snippet in blocks(ROOT / "docs" / "handwriting.md", "python"):
        exec(snippet, {})
    assert re.search(r"seven\.png +7 ", capsys.readouterr().out)


def test_the_table_of_keras_names_what_there_is(tiny: None) -> None:
    code = dict(re.findall(r"^\| `?([^|]*?)`? \| (.*) \|$", README.read_text(), re.MULTILINE))
    scope: dict[str, object] = {}
    exec("from mnist_lightning import *", scope)
    for words in ("mnist.load_data", "Sequential", "compile"):
        (cell,) = [right for left, right in code.items() if left.startswith(words)]
        (line,) = re.findall(r"`([^`]+)`", cell)
        exec(line.replace("7744", "70"), scope)
    assert isinstance(scope["model"], MNISTClassifier)
    scope["history"] = {name: [0.5] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    scope["history"]["epoch"] = [1]  # type: ignore[index]
    assert isinstance(eval("plot_curves(history)", scope), Figure)


def test_the_answer_shown_is_that_of_the_notebook() -> None:
    (answer,) = blocks(README, "text")
    notebook = (ROOT / "notebooks" / "keras_to_lightning.ipynb").read_text(encoding="utf-8")
    assert f'"{answer.strip()}"' in notebook


def test_the_numbers_of_the_readme_are_those_measured() -> None:
    text = " ".join(README.read_text(encoding="utf-8").split())
    ours, keras = finals("lightning-default"), finals("keras-default")
    assert f"{np.mean(ours):.5f} (mean of {len(ours)} seeds)" in text
    assert f"Keras itself {np.mean(keras):.5f} ({len(keras)} seeds)" in text
    fast, accurate = finals("lightning-fast"), finals("lightning-accurate_5")
    assert np.mean(fast) > 0.99  # "99 % after one epoch"
    assert np.mean(accurate) > 0.995  # "99.5 % after five"
