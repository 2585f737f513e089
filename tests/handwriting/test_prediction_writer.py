"""The command ``predict`` on pictures of the user's own: files, table, errors."""

import csv
import os
import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY
from PIL import Image, ImageDraw

from mnist_lightning import MNISTClassifier, predict_images
from mnist_lightning.__main__ import main
from mnist_lightning.handwriting.prediction import Prediction

RUN = Path("logs/synthetic/version_0")
OTHER = "no PNG, JPEG, BMP, GIF, WebP, TIFF or HEIC"
KEYS = ["file", "digit", "probability", "runner_up", "runner_up_probability", "remark", "digits"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a tiny network was trained, standardised images and all."""
    with chdir(folder := tmp_path_factory.mktemp("trained")):
        main(["fit", *TINY, "--data.normalize", "standard"])
    return folder


SAVED = ["--data.save_inputs", "true", "--ckpt_path", "last"]


@pytest.fixture
def workplace(trained: Path, workdir: Path) -> Path:
    """A copy of it without the data, made the current folder."""
    shutil.copytree(trained / "logs", "logs")
    return workdir


def draw(path: Path) -> None:
    sheet = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(sheet).line([(60, 50), (130, 50), (80, 150)], fill="black", width=9)
    sheet.save(path)


def read_rows() -> list[dict[str, str]]:
    return list(csv.DictReader(Path(RUN, "predictions.csv").read_text("utf-8").splitlines()))


@pytest.mark.parametrize("by_trainer", [False, True])
def test_a_folder_of_good_and_bad(
    workplace: Path, by_trainer: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workplace / "own"
    (folder / "d.png").mkdir(parents=True)
    draw(folder / "b.png")
    draw(folder / "b.jpg")
    Image.new("L", (99, 99), "white").save(folder / "empty.BMP")
    os.mkfifo(folder / "c.png")
    for name in ("\x1b[31m\n.png", "a.jpeg", "notes.txt", ".b.png"):  # the last is hidden
        (folder / name).touch()
    more = ["--trainer.accelerator", "cpu"] if by_trainer else []
    main(["predict", "--data.predict_path", "own", *SAVED, *more])
    lines = capsys.readouterr().out.splitlines()
    assert "trained on SYNTHETIC DIGITS" in lines[1]
    rows = read_rows()
    read = [row for row in rows if row["digit"]]
    assert [row["file"] for row in read] == ["own/b.jpg", "own/b.png"]
    for row in read:  # a network of two small epochs is sure of little
        unsure = f"unsure: {row['digit']} or {row['runner_up']}"
        assert row["remark"] == (unsure if float(row["probability"]) < 0.6 else "")
    assert {row["file"]: row["remark"] for row in rows if row not in read} == {
        "own/\\x1b[31m\\n.png": OTHER,
        "own/a.jpeg": OTHER,
        "own/c.png": "no regular file",
        "own/d.png": "a folder: --data.recursive true reads it",
        "own/empty.BMP": "no digit",
        "own/notes.txt": OTHER,
    }
    for row, line in zip(rows, lines[-2 - len(rows) : -2], strict=True):
        assert list(row) == KEYS
        shown = row["remark"].split()
        if row in read:
            shown += [row["digit"], f"{float(row['probability']):.1%}", row["runner_up"]]
            shown.append(f"{float(row['runner_up_probability']):.1%}")
        assert line.split() == [row["file"].removeprefix("own/"), *shown]
    assert {path.name for path in (RUN / "predict_inputs").iterdir()} == {"b.png.png", "b.jpg.png"}
    assert not (workplace / "data").exists(), "nothing is fetched or generated"


def test_python_gives_what_the_command_line_gives(workplace: Path) -> None:
    """Both against the plain network on the saved input, standardised as in training."""
    draw(workplace / "own.png")
    main(["predict", "--data.predict_path", "own.png", *SAVED])
    checkpoint = RUN / "checkpoints" / "last.ckpt"
    missing, found = predict_images(["missing.png", Path("own.png")], checkpoint)
    assert missing == Prediction(Path("missing.png"), remark="No such file or directory")
    (row,) = read_rows()
    assert list(row.values()) == list(map(str, found.to_row()))
    classifier = MNISTClassifier.load_from_checkpoint(checkpoint, "cpu").eval()
    seen = np.asarray(Image.open(RUN / "predict_inputs" / "own.png"), np.float32) / 255
    standard = torch.from_numpy((seen - 0.1307) / 0.3081)
    logits = classifier(standard[None, None])[0].detach().double().numpy()
    chances = np.exp(logits) / np.exp(logits).sum()
    assert [found.digit, found.runner_up] == chances.argsort()[:-3:-1].tolist()
    given = [found.probability, found.runner_up_probability]
    assert given == pytest.approx(np.sort(chances)[:-3:-1], abs=1e-5)


@pytest.mark.parametrize(
    ("command", "code", "named"),
    [
        ("predict --data.predict_path missing", 3, "predict_path is missing: No such"),
        ("predict missing", 3, "predict_path is missing: No such"),
        ("predict --data.predict_path empty", 3, "predict_path is empty: holds no files"),
        ("predict --ckpt_path last --data.predict_path bad.png", 3, "predict_path is bad.png: no"),
        ("predict --data.save_inputs true", 2, "save_inputs is True"),
        ("predict --data.recursive true", 2, "recursive is True"),
        ("test --data.predict_path bad.png", 2, "only predict reads it"),
    ],
)
def test_what_cannot_be_predicted(
    workplace: Path, command: str, code: int, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "bad.png").touch()
    (workplace / "empty").mkdir()
    with pytest.raises(SystemExit, match=f"^{code}$"):
        main(command.split())
    assert named in capsys.readouterr().err
    assert (RUN / "predictions.csv").exists() == (": no" in named)


def test_a_trainer_scores_what_the_command_scores(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("7/a.png", "8/b.png", "more/c.png"):
        (workplace / "own" / name).parent.mkdir(parents=True)
        draw(workplace / "own" / name)
    command = ["predict", "--data.predict_path", "own", "--data.recursive", "true", *SAVED]
    shown = []
    for more in ([], ["--trainer.accelerator", "cpu"]):
        main([*command, *more])
        out = capsys.readouterr().out
        shown.append((out[out.index("File") :], read_rows()))
        (RUN / "misses.png").unlink()
    assert shown[0] == shown[1]
    assert "2 pictures with a label: " in shown[0][0]
    assert [row["label"] for row in shown[0][1]] == ["7", "8", ""]


def test_paths_stay_out_of_checkpoints(trained: Path) -> None:
    content = torch.load(trained / RUN / "checkpoints/last.ckpt", weights_only=True)
    local = {"data_dir", "mirror", "predict_path", "recursive", "save_inputs"}
    assert not local & content["datamodule_hyper_parameters"].keys()
