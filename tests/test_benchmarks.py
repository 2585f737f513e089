"""The benchmarks' arithmetic, and that they run."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from torchmetrics.functional.classification import binary_calibration_error

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


def test_scores_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from reading_scores import calibration_error, digits_right, edit_distance

    assert (edit_distance("kitten", "sitting"), edit_distance("", "10")) == (3, 2)
    assert digits_right("1042\n7", "142\n7") == 4
    assert digits_right("10", "31015") == 0, "what is too much costs as well"
    sure, right = torch.rand(500, dtype=torch.double), torch.arange(500) % 3 == 0
    sure[:20] = 1  # in the last bin
    expected = binary_calibration_error(sure, right.int(), n_bins=15).item()
    assert calibration_error(sure.tolist(), right.tolist()) == pytest.approx(expected)


def test_simulated_pictures_follow_their_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from pictures import BLANK, EMPTY, pictures

    for kind in ("empty, letters", "empty, hands", "empty, table on 1 or 2 sides", "pencil"):
        digits = [BLANK] if kind in EMPTY else [np.eye(28, dtype=np.uint8) * 255]
        first, again, other = (np.asarray(next(pictures(digits, kind, seed))) for seed in (1, 1, 2))
        assert (first == again).all(), kind
        assert first.shape != other.shape or (first != other).any(), kind


def test_composed_numbers_show_their_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    from composed_numbers import compose_number

    bars = np.zeros((10, 28, 28), np.uint8)
    bars[:, 4:24, 10:18] = 255
    for seed in range(12):
        random = np.random.default_rng(seed)
        image, text = compose_number(bars, np.arange(10), random, "numbers, wide")
        grey = np.asarray(image.convert("L"), float)
        labels, _ = ndimage.label(abs(grey - np.median(grey)) > 65)
        rows = text.split("\n")
        assert (np.bincount(labels.ravel())[1:] > 100).sum() == sum(map(len, rows)), text
        assert all(2 <= len(row) <= 6 for row in rows)
        assert len(rows) <= 3


def test_readers_are_counted_and_absent_ones_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCHMARKS)
    import handwriting
    from composed_numbers import SPACINGS
    from readers import Answer
    from reading_table import side_by_side, table

    def sevens(paths: Sequence[Path], several: bool) -> list[Answer]:
        return [Answer("17" if several else "7", 0.75)] * len(paths)

    def absent(paths: Sequence[Path], several: bool) -> list[Answer]:
        raise OSError("no such program")

    def written(kind: str, *given: object) -> tuple[list[Path], list[str]]:
        return [Path("a"), Path("b")], ["17", "11"] if kind in SPACINGS else ["7", ""]

    monkeypatch.setattr(handwriting, "write_kind", written)
    results = handwriting.count({"sevens": sevens, "absent": absent}, Path(), 2, processes=1)
    assert results["absent"] == {"missing": "no such program"}
    assert results["sevens"]["right"]["paper"] == results["sevens"]["right"]["empty, paper"] == 1
    assert results["sevens"]["calibration_error"] == pytest.approx(0.25)
    expected = {"numbers": 2, "numbers_right": 1, "digits": 4, "digits_right": 3}
    assert results["sevens"]["numbers"]["numbers, wide"] == expected
    assert "  paper" in table(results["sevens"], 2)
    assert side_by_side(results, 2).splitlines()[-2].split()[-1] == "50.0%"
