"""The network that answers ``predict`` and ``predict_images`` where none is named."""

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from mnist_lightning import ConvNet, predict_images
from mnist_lightning.__main__ import main
from mnist_lightning.checkpoints.runs import open_network

SHIPPED = "Network: the one that comes with the package"


@pytest.fixture
def seven(workdir: Path) -> str:
    sheet = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(sheet).line([(60, 50), (130, 50), (80, 150)], fill="black", width=9)
    sheet.save("seven.png")
    return "seven.png"


def test_an_empty_folder_is_enough(seven: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = main(["predict", seven])
    out = capsys.readouterr().out
    assert out.startswith(SHIPPED)
    assert run
    assert run.folder == Path("logs/pretrained"), "no file of the user is replaced"
    (row,) = csv.DictReader((run.folder / "predictions.csv").read_text().splitlines())
    assert row["digit"] == "7"
    found = predict_images(seven)
    assert [each.digit for each in found] == [7]
    assert SHIPPED in str(found)
    assert "seven.png" in str(found)


def test_a_run_on_generated_digits_answers_only_where_it_is_named(
    reader: Path, seven: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path("logs/any/version_0/checkpoints")
    run.mkdir(parents=True)
    content = torch.load(reader, weights_only=True)
    content["datamodule_hyper_parameters"]["source"] = "synthetic"
    torch.save(content, run / "last.ckpt")
    main(["predict", "--data.predict_path", seven])
    assert SHIPPED in capsys.readouterr().out
    main(["predict", "--data.predict_path", seven, "--ckpt_path", "last"])
    assert f"Checkpoint: {run / 'last.ckpt'}" in capsys.readouterr().out
    (older := Path("logs/any/version_1/checkpoints")).mkdir(parents=True)
    (older / "last.ckpt").write_text("damaged")
    os.utime(older / "last.ckpt", (1, 1))
    assert str(open_network(None)).startswith(SHIPPED), "nor is an older one in its way"
    content["datamodule_hyper_parameters"]["source"] = "mnist"
    torch.save(content, run / "last.ckpt")
    assert open_network(None).path == run / "last.ckpt", "a run on real images comes first"
    assert str(open_network("pretrained")).startswith(SHIPPED)


def test_pictures_in_every_form(seven: str) -> None:
    path = Path(seven)
    image = Image.open(seven)
    forms: list[Any] = [seven, path, Path(), path.read_bytes(), image, np.asarray(image)]
    for form in [*forms, [image, seven]]:
        assert {each.digit for each in predict_images(form)} == {7}
    assert len(predict_images([path.read_bytes(), image])) == 2
    with pytest.raises(ValueError, match="pictures are 7: must be files, folders, bytes, images"):
        predict_images(7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="checkpoint is a ConvNet: must be a path, last, best or"):
        predict_images(seven, ConvNet())  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match="model is 'mine': must be a LightningModule, or its class"
    ):
        predict_images(seven, model="mine")  # type: ignore[arg-type]


@pytest.mark.usefixtures("workdir")
def test_pictures_are_read_without_lightning(seven: str) -> None:
    Path("photos/3").mkdir(parents=True)
    Path(seven).rename("photos/3/seven.png")  # scored, and a miss
    code = """
import sys
from mnist_lightning.cli.program import run
run(["predict", "photos", "--data.save_inputs", "true"])
import mnist_lightning.handwriting.draw, mnist_lightning.export.export
assert not {"lightning", "matplotlib", "torchvision"} & {*sys.modules}
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Path("logs/pretrained/misses.png").exists()
