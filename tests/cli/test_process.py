"""``main`` with arguments: what it returns, and what it leaves of the process."""

import logging
import os
import random
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TINY

from mnist_lightning.__main__ import main


def process() -> dict[str, Any]:
    """What a run could change of its process."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("lightning")]
    return {
        "filters": list(warnings.filters),
        "hook": threading.excepthook,
        "levels": {name: logging.getLogger(name).level for name in names},
        "precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "benchmark": torch.backends.cudnn.benchmark,
        "threads": torch.get_num_threads(),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "handlers": [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)],
        "random": (random.getstate(), str(np.random.get_state()), torch.initial_seed()),
    }


def test_the_run_is_returned_and_the_process_as_before(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [*sys.path])
    before = process()
    options = ["--trainer.deterministic", "warn", "--trainer.logger", "false"]
    run = main(["fit", *TINY, "--report.figures", "false", *options])
    assert run
    assert process() == before
    assert run.folder == Path("logs/synthetic/version_0")
    assert run.checkpoint == run.folder / "checkpoints" / "last.ckpt"
    assert {"train/loss", "val/accuracy"} <= run.metrics.keys()
    assert (run.folder / "config.yaml").is_file()

    tested = main(["test", "--report.figures", "false"])
    assert tested
    assert (tested.folder, tested.checkpoint) == (run.folder, run.checkpoint)
    assert tested.metrics["test/accuracy"] == pytest.approx(run.metrics["val/accuracy"])

    with pytest.raises(SystemExit):
        main(["fit", "--data.batch_size", "0"])
    assert process() == before
