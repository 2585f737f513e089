"""The notebook runs, on generated digits, and holds what it showed on MNIST."""

import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "keras_to_lightning.ipynb"
SMALLER = {
    "MNISTDataModule()": 'MNISTDataModule(source="synthetic", synthetic_size=(96, 70))',
    "conv_channels=(32, 64, 64), hidden_dims=(128,)": "conv_channels=(2, 2), hidden_dims=(8,)",
    "epochs=5": "epochs=2",
}


def shown(notebook: nbformat.NotebookNode) -> list[set[str]]:
    """Forms of what each cell of code shows, without warnings of libraries."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    forms = [
        {form for out in cell.outputs for form in out.get("data", [out.get("name")])}
        for cell in cells
    ]
    return [each - {"stderr"} for each in forms]


def printed(notebook: nbformat.NotebookNode) -> str:
    return "".join(out.get("text", "") for x in notebook.cells for out in x.get("outputs", ()))


def test_every_cell_runs_and_shows_what_the_notebook_holds(workdir: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, 4)
    kept = shown(notebook)
    for words, smaller in SMALLER.items():
        cells = [cell for cell in notebook.cells if words in cell.source and "outputs" in cell]
        assert len(cells) == 1, words
        cells[0].source = cells[0].source.replace(words, smaller)
    NotebookClient(notebook, timeout=100, resources={"metadata": {"path": str(workdir)}}).execute()
    assert shown(notebook) == kept
    assert sum("image/png" in forms for forms in kept) == 2
    right, wrong = re.findall(r"(\d+) classified", printed(notebook))[-2:]
    assert int(right) + int(wrong) == 70


def test_the_notebook_holds_a_run_on_mnist_that_tells_nothing_of_its_machine() -> None:
    notebook = nbformat.read(NOTEBOOK, 4)
    nbformat.validate(notebook)
    text = printed(notebook)
    right, wrong = re.findall(r"([\d,]+) classified", text)[-2:]
    assert int(right.replace(",", "")) + int(wrong) == 10_000
    assert "SYNTHETIC" not in text
    assert not re.search(r"/(home|root|tmp|usr|work|Users)/", NOTEBOOK.read_text())
