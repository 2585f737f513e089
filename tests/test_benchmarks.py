"""The benchmarks' arithmetic, and that they run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def test_interval_is_students(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from seeds import statistics

    # t of 0.975 for 2 degrees of freedom is 4.3027 in any table
    expected = {"n": 3, "mean": 2, "sd": 1, "half": 4.3027 / 3**0.5}
    assert statistics([1.0, 2.0, 3.0]) == pytest.approx(expected, rel=1e-4)


def test_flops_are_those_of_the_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from peers import flops

    macs = [26**2 * 32 * 9, 24**2 * 64 * 9 * 32, 22**2 * 64 * 9 * 64, 7744 * 128, 128 * 10]
    # forward, gradients of weights, and of inputs but for the images
    assert flops([128]) == 2 * 32 * (3 * sum(macs) - macs[0])


def test_peers_take_turns_and_absent_ones_are_named(tmp_path: Path) -> None:
    contenders = ["matrix product", "Keras, jax"]
    options = ["--steps", "1", "--rounds", "2", "--results", str(tmp_path), "--contenders"]
    python = str(tmp_path / "no_python")
    Path(python).symlink_to("/bin/false")
    output = subprocess.check_output(
        [sys.executable, BENCHMARKS / "peers.py", "--keras_python", python, *options, *contenders],
        text=True,
    )
    results = json.loads((tmp_path / "peers-small.json").read_text())["results"]
    assert len(results["matrix product"]["ms"]) == 2
    assert "missing" in results["Keras, jax"]
    assert "missing" in output
    assert (tmp_path / "peers-small.png").stat().st_size > 1000
