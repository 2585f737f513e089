"""Where a run comes from, as ``summary.json`` tells it."""

import json
import os
import re
from pathlib import Path

import pytest
from conftest import TINY

from mnist_lightning.__main__ import main
from mnist_lightning.report import provenance


def test_of_a_run_with_a_recipe_and_of_one_that_goes_on(workdir: Path) -> None:
    (workdir / "mine.yaml").write_text("{model: {lr: 0.02}, trainer: {accumulate_grad_batches: 2}}")
    main(["fit", "--config", str(workdir / "mine.yaml"), *TINY])
    main(["fit", *TINY, "--ckpt_path", "last", "--trainer.accumulate_grad_batches", "2"])
    run = workdir / "logs/synthetic"
    first, second = (
        json.loads((run / f"version_{i}/summary.json").read_text(encoding="utf-8")) for i in (0, 1)
    )
    assert (first["recipe"], second["recipe"]) == ("mine.yaml", None)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", first["date"])
    assert first["machine"].endswith(" cores")
    assert str(workdir) not in json.dumps(first)
    expected = {
        "model.conv_channels": "[32, 64, 64]",
        "model.hidden_dims": "[128]",
        "model.lr": 0.001,
        "data.source": "auto",
        "data.synthetic_size": "[60000, 10000]",
        "trainer.max_epochs": 5,
        "trainer.accumulate_grad_batches": 1,
    }
    assert first["changed"] == expected
    of_the_class = {"data.source": "mnist"}  # it has no command line to ask
    assert second["changed"] == expected | of_the_class


def test_where_linux_alone_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda path: False)
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert (provenance.processor(), provenance.cores()) == ("arm64", 1)
