"""Pictures with labels: what ``predict`` counts, shows and writes."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.stats import binomtest

from mnist_lightning.__main__ import main

OUT = Path("logs/pretrained")
OTHER = "no PNG, JPEG, BMP, GIF, WebP, TIFF or HEIC"


def seven(name: str) -> None:
    sheet = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(sheet).line([(60, 50), (130, 50), (80, 150)], fill="black", width=9)
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    sheet.save(name)


@pytest.fixture
def photos(workdir: Path) -> Path:
    """Three that are right, one wrong, one empty; two without a label, and one text."""
    for name in ("7/a.png", "7/b.gif", "7/c.webp", "1/a.png", "unsorted/a.png", "семь.tiff"):
        seven(f"photos/{name}")
    Path("photos/3").mkdir()
    Image.new("L", (99, 99), "white").save("photos/3/empty.bmp")
    Path("photos/7/notes.txt").write_text("text")
    return workdir / "photos"


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader((OUT / "predictions.csv").read_text("utf-8").splitlines()))


def read_sheet(name: str) -> NDArray[np.uint8]:
    with Image.open(OUT / name) as image:
        return np.asarray(image)


@pytest.mark.usefixtures("photos")
def test_folders_of_digits_are_scored(capsys: pytest.CaptureFixture[str]) -> None:
    main(["predict", "photos"])
    out = capsys.readouterr().out
    low, high = binomtest(3, 5).proportion_ci(method="wilson")
    shown = [" ".join(line.split()) for line in out.splitlines()]
    start = shown.index("5 pictures with a label: 3 classified correctly, 2 classified incorrectly")
    assert shown[start + 1 : start + 3] == [
        f"60.0%, 95 % interval {low:.1%} to {high:.1%}",
        "not counted, as they cannot be read: 1",
    ]
    assert shown[start + 4 : -3] == [
        "digit pictures right predicted instead",
        "1 1 0 7 (1)",
        "3 1 0 no digit (1)",
        "7 3 3",
    ]
    assert shown[-2:] == [f"Predictions: {OUT}/predictions.csv", f"Misses: {OUT}/misses.png"]
    assert shown[1].split()[-1] == "True"
    table = {line.split()[0]: line for line in shown[2 : start - 1]}
    assert table["photos/1/a.png"].endswith("1 missed")
    assert table["photos/3/empty.bmp"] == "photos/3/empty.bmp no digit 3 missed"
    assert table["photos/7/notes.txt"] == f"photos/7/notes.txt {OTHER} 7"
    assert table["photos/unsorted"].endswith("a folder: --data.recursive true reads it")
    assert max(map(len, out.splitlines()[start:])) < 80
    labels = {Path(row["file"]).relative_to("photos").as_posix(): row["label"] for row in rows()}
    assert labels["1/a.png"] == "1"
    assert labels["семь.tiff"] == labels["unsorted"] == ""


@pytest.mark.usefixtures("photos")
def test_the_sheet_shows_the_misses_beside_what_was_seen() -> None:
    main(["predict", "photos"])
    sheet = read_sheet("misses.png")
    picture, seen = sheet[8:148, 8:148], sheet[8:148, 156:296]
    with Image.open("photos/1/a.png") as image:
        expected = np.asarray(image.resize((140, 140)), float)
    assert np.abs(picture - expected).mean() < 3
    assert (seen[2::5, 2::5].repeat(5, 0).repeat(5, 1) == seen).all(), "28 by 28, enlarged"
    assert seen.max() == 255
    assert sheet.shape[1] == 608, "the empty one is the second"
    main(["predict", "photos/7"])
    assert [*rows()[0]][-1] == "digits", "no labels, no column"


@pytest.mark.usefixtures("photos")
def test_a_table_of_labels_is_scored(capsys: pytest.CaptureFixture[str]) -> None:
    main(["predict", "photos"])
    assert (OUT / "misses.png").exists()
    Path("photos/labels.csv").write_text("file,label\n7/a.png,7\nunsorted/a.png,7\n", "utf-8")
    main(["predict", "--data.predict_path", "photos/labels.csv"])
    out = capsys.readouterr().out
    assert "2 pictures with a label: 2 classified correctly, 0 classified incorrectly" in out
    assert [row["label"] for row in rows()] == ["7", "7"]
    assert not (OUT / "misses.png").exists(), "that of other pictures is gone"


@pytest.mark.usefixtures("photos")
def test_several_pictures_and_their_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    save = ["--data.save_inputs", "true", "--data.recursive=true"]
    main(["predict", "photos/7/a.png", *save, "photos/unsorted", "photos/семь.tiff"])
    names = ["photos/7/a.png", "photos/unsorted/a.png", "photos/семь.tiff"]
    assert [row["file"] for row in rows()] == names
    inputs = {each.name for each in (OUT / "predict_inputs").iterdir()}
    assert inputs == {"0 a.png", "1 a.png", "2 семь.png"}, "no picture replaces another"
    assert f"What the network saw: {OUT}/predict_inputs.png" in capsys.readouterr().out
    assert read_sheet("predict_inputs.png").shape == (192, 912)
    with pytest.raises(SystemExit, match="2"):
        main(["predict", "photos/7/a.png", "--trainer.accelerator", "cpu"])
    assert "did you mean --data.predict_path photos/7/a.png?" in capsys.readouterr().err
