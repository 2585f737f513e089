"""Digits of the user's own: from files to the table, on the command line and in Python."""

import csv
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY, mnist_digits, refused
from PIL import Image, ImageDraw

from mnist_lightning import MNISTClassifier, predict_images
from mnist_lightning.__main__ import main
from mnist_lightning.checkpoints.find import read_settings
from mnist_lightning.errors import CheckpointError, printable
from mnist_lightning.handwriting.prediction import Prediction, as_lines
from mnist_lightning.handwriting.prediction_writer import show

RUN = Path("logs/synthetic/version_0")
HEADER = "file,digit,probability,runner_up,runner_up_probability,remark"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a tiny network was trained, standardised images and all."""
    folder, before = tmp_path_factory.mktemp("trained"), Path.cwd()
    os.chdir(folder)
    main(["fit", *TINY, "--data.normalize", "standard", "--report.figures", "false"])
    os.chdir(before)
    return folder


@pytest.fixture
def workplace(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it without the data, made the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained / "logs", "logs")
    return tmp_path


def draw(path: Path) -> Path:
    sheet = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(sheet).line([(60, 50), (130, 50), (80, 150)], fill="black", width=9)
    sheet.save(path)
    return path


def rows(path: Path = RUN / "predictions.csv") -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_folder_of_good_and_bad(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = workplace / "own"
    folder.mkdir()
    draw(folder / "b.png")
    draw(folder / "b.jpg")
    Image.new("L", (99, 99), "white").save(folder / "empty.BMP")
    (folder / "a.jpeg").write_text("no picture")
    os.mkfifo(folder / "c.png")
    (folder / "d.png").mkdir()
    (folder / "\x1b[31m\n.png").touch()
    for left_out in ("notes.txt", ".b.png"):
        (folder / left_out).touch()
    main(["predict", "--data.predict_path", "own", "--data.save_inputs", "true"])

    lines = capsys.readouterr().out.splitlines()
    assert "trained on SYNTHETIC DIGITS" in lines[1]
    assert (RUN / "predictions.csv").read_text().splitlines()[0] == HEADER
    found = {row["file"].removeprefix("own/"): row for row in rows()}
    remarks = {name: row["remark"] for name, row in found.items()}
    assert remarks == {
        "\\x1b[31m\\n.png": "no PNG, JPEG or BMP",
        "a.jpeg": "no PNG, JPEG or BMP",
        "b.jpg": "",
        "b.png": "",
        "c.png": "no regular file",
        "d.png": "no regular file",
        "empty.BMP": "no digit",
    }
    assert list(remarks) == sorted(remarks, key=lambda name: name.replace("\\x1b", "\x1b"))
    for name, row in found.items():
        (line,) = (line for line in lines if line.startswith(name))
        shown = line.removeprefix(name).split(maxsplit=2)
        if row["remark"]:
            assert " ".join(shown) == row["remark"]
            assert not any(value for key, value in row.items() if key not in ("file", "remark"))
        else:
            second = f"{row['runner_up']} {float(row['runner_up_probability']):.1%}"
            assert shown == [row["digit"], f"{float(row['probability']):.1%}", second]
    saved = {path.name: np.asarray(Image.open(path)) for path in (RUN / "predict_inputs").iterdir()}
    assert set(saved) == {"b.png.png", "b.jpg.png"}
    assert {(*image.shape, str(image.dtype)) for image in saved.values()} == {(28, 28, "uint8")}
    assert not (workplace / "data").exists(), "nothing is fetched or generated"


def test_python_gives_what_the_command_line_gives(workplace: Path) -> None:
    """Both against the plain network on the saved input, standardised as in training."""
    image = draw(workplace / "own.png")
    main(["predict", "--data.predict_path", "own.png", "--data.save_inputs", "true"])
    checkpoint = RUN / "checkpoints" / "last.ckpt"
    missing, found = predict_images(["missing.png", image], checkpoint)
    assert missing == Prediction(Path("missing.png"), remark="No such file or directory")
    (row,) = rows()
    assert found.file == image
    assert [row["digit"], row["runner_up"]] == [str(found.digit), str(found.runner_up)]
    assert float(row["probability"]) == pytest.approx(found.probability, abs=1e-5)

    classifier = MNISTClassifier.load_from_checkpoint(checkpoint, "cpu").eval()
    seen = np.asarray(Image.open(RUN / "predict_inputs" / "own.png.png"), np.float32) / 255
    standard = torch.from_numpy((seen - 0.1307) / 0.3081)
    logits = classifier(standard[None, None])[0].detach().double().numpy()
    chances = np.exp(logits) / np.exp(logits).sum()
    assert [found.digit, found.runner_up] == chances.argsort()[:-3:-1].tolist()
    given = [found.probability, found.runner_up_probability]
    assert given == pytest.approx(np.sort(chances)[:-3:-1], abs=1e-5)
    with pytest.raises(CheckpointError, match="no such file"):
        predict_images([image], "missing.ckpt")


@pytest.mark.parametrize("name", ["=1+1.png", "-2.png", "+3.png", "@sum.png"])
def test_a_file_name_is_no_formula(name: str, workdir: Path) -> None:
    Path(name).touch()
    written = Prediction(Path(name)).row()[0]
    assert written == f"./{name}"
    assert Path(written).samefile(name)


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (["predict", "--data.predict_path", "missing"], 3, "predict_path is missing: No such"),
        (["predict", "--data.predict_path", "logs"], 3, "predict_path is logs: holds no .bmp"),
        (
            ["predict", "--data.predict_path", "bad.png"],
            3,
            "predict_path is bad.png: nothing",
        ),
        (["predict", "--data.save_inputs", "true"], 2, "save_inputs is True"),
        (["test", "--data.predict_path", "bad.png"], 2, "only predict reads it"),
        (["fit", "--data.predict_path", "bad.png"], 2, "only predict reads it"),
    ],
)
def test_what_cannot_be_predicted(
    workplace: Path, arguments: list[str], code: int, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "bad.png").touch()
    assert named in refused(arguments, capsys)
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == code
    assert (RUN / "predictions.csv").exists() == (arguments[2] == "bad.png" and code == 3)


def test_paths_stay_out_of_checkpoints(workplace: Path) -> None:
    settings = read_settings(RUN / "checkpoints" / "last.ckpt")
    local = {"data_dir", "mirror", "predict_path", "save_inputs"}
    assert not local & set(settings.data)


def test_the_table_fits_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    name = "a_rather_long_name[bold].png"
    show([Prediction(Path(name), 7, 0.98, 1, 0.015), Prediction(Path("x"), remark="no digit")])
    lines = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= 40
    assert lines[0].split() == ["File", "Digit", "Probability", "Runner-up"]
    assert lines[1].split()[1:] == ["7", "98.0%", "1", "1.5%"]
    folded = "".join(line[:9].strip() for line in lines[1:])
    assert folded == f"{name}xno digit", "folded, not cut, and no markup"


def test_lines_are_plain_and_names_harmless() -> None:
    assert printable("a\x1b[2J\u202e\udcff é 7") == r"a\x1b[2J\u202e\udcff é 7"
    assert as_lines([Prediction(Path("a.png"), 7, 0.98, 1, 0.015)]) == [
        "File   Digit  Probability  Runner-up",
        "a.png      7        98.0%     1 1.5%",
    ]


def test_pictures_of_every_kind_are_read(
    reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    from pictures import KINDS, write_pictures

    each = 37
    count = each * len(KINDS)
    assert count >= 500
    images, labels = mnist_digits(count)
    paths = [
        path
        for i, kind in enumerate(KINDS)
        for path in write_pictures(images[i * each : (i + 1) * each], kind, tmp_path, seed=i)
    ]
    found = [each.digit for each in predict_images(paths, reader)]
    assert np.mean(np.array(found) == labels) >= 0.95
