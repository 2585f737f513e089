"""``test`` and the page of a run, from end to end."""

import csv
import errno
import json
import os
import re
import shlex
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from conftest import NO_FIGURES, TINY
from sklearn.metrics import confusion_matrix
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from test_page import DRAWN, parse

from mnist_lightning.__main__ import main

RUN = Path("logs/synthetic/version_0")
CURVES = {"training_loss", "validation_loss", "training_accuracy", "validation_accuracy"}
FIGURES = {*CURVES, "curves", "predictions", "confusion_matrix"}


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table, but for wall times."""
    with path.open() as file:
        return [{**row, "seconds": ""} for row in csv.DictReader(file)]


def pictures() -> int:
    page = parse((RUN / "report.html").read_text(encoding="utf-8"))
    return [element.tag for element in page].count("img")


def test_of_a_run(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fit", *TINY, "--data.batch_size", "30", "--report.figures", "true"])
    said = capsys.readouterr().out
    for name, path in (("Checkpoint", "checkpoints/last.ckpt"), ("Page", "report.html")):
        assert re.search(rf"^{name}: +{RUN / path}$", said, re.MULTILINE)
    assert "\nNext:       mnist-lightning test --ckpt_path last\n" in said
    assert {path.stem for path in (RUN / "figures").iterdir()} == FIGURES
    events = {part: EventAccumulator(str(RUN / part)).Reload() for part in ("train", "validation")}
    assert events["train"].Tags()["images"] == []
    assert set(events["validation"].Tags()["images"]) == {
        "pictures/predictions",
        "pictures/confusion_matrix",
    }
    assert pictures() == 3, "curves, predictions and confusion matrix"
    capsys.readouterr()
    main(["validate"])
    validated = capsys.readouterr().out.splitlines()
    main(["test"])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 79
    assert validated == lines[:-3], "of the same images the same, but for files"
    assert {path.stem for path in (RUN / "test").glob("*.png")} == DRAWN
    assert pictures() == 2 + len(DRAWN)

    main(["predict"])
    digits = [int(row["digit"]) for row in rows(RUN / "predictions.csv")]
    (raw,) = (workdir / "data").iterdir()
    labels = np.fromfile(raw / "t10k-labels-idx1-ubyte", np.uint8)[8:]  # after the header
    expected = confusion_matrix(labels, digits, labels=range(10)).tolist()
    for folder, checkpoint in (("validation", None), ("test", "last.ckpt")):
        metrics = json.loads((RUN / folder / "metrics.json").read_text())
        assert (metrics["confusion_matrix"], metrics["checkpoint"]) == (expected, checkpoint)
    assert any(line.startswith(f"loss {metrics['loss']:.4f}, ") for line in lines)

    text = (RUN / "report.html").read_text(encoding="utf-8")
    assert "SYNTHETIC DIGITS" in text
    assert str(workdir) not in text
    assert str(Path.home()) + "/" not in text
    (command,) = re.findall("<pre>python -m mnist_lightning (.*)</pre>", text)
    main([*shlex.split(unescape(command)), *NO_FIGURES])
    again = RUN.with_name("version_1")
    assert rows(again / "history.csv") == rows(RUN / "history.csv")


def test_without_figures_no_page(workdir: Path) -> None:
    (workdir / "old.yaml").write_text("evaluation: {figures: true}")  # of a part of 0.1
    main(["fit", "--config", "old.yaml", *TINY])
    main(["test", "--trainer.fast_dev_run", "true"])
    assert not (RUN / "test").exists(), "one batch is no test"
    main(["test", *NO_FIGURES])
    assert [path.name for path in (RUN / "test").iterdir()] == ["metrics.json"]
    assert not (RUN / "report.html").exists()


def test_a_full_disk_costs_the_report_not_the_run(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(draft: Path, target: Path) -> None:
        if Path(target).name == "summary.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        os.rename(draft, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(UserWarning, match="report of the run could not be written .*No space left"):
        main(["fit", *TINY])
    assert "Run folder" in capsys.readouterr().out
    assert (RUN / "checkpoints" / "last.ckpt").exists()
