"""Data sets other than MNIST on the command line, from end to end."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import TINY, TINY_DATA, refused
from mirrors import packed, stand_in, stand_ins, write
from PIL import Image, ImageDraw
from safetensors import safe_open
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnist_lightning import predict_images
from mnist_lightning.__main__ import main
from mnist_lightning.data.datasets import SOURCES

SMALL = [*TINY[len(TINY_DATA) :], "--report.figures", "true"]
FASHION = stand_ins(3)
NAMES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker"]
NAMES += ["Bag", "Ankle boot"]
LABELS = [NAMES[label] for label in FASHION["t10k-labels-idx1-ubyte"][8:]]


@pytest.fixture
def mirror(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of small files that are taken for FashionMNIST's."""
    folder = workdir / "mirror"
    write(folder, packed(FASHION))
    source = stand_in(FASHION, folder.as_uri(), source=SOURCES["fashion_mnist"])
    monkeypatch.setitem(SOURCES, "fashion_mnist", source)
    return folder


def draw(path: str) -> None:
    sheet = Image.new("L", (200, 200), "white")
    ImageDraw.Draw(sheet).line([(60, 50), (130, 50), (80, 150)], fill="black", width=9)
    sheet.save(path)


@pytest.mark.usefixtures("mirror")
def test_the_names_of_the_classes_stand_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    full = ["--tensorboard.level", "full", "--trainer.max_epochs", "1"]
    main(["fit", *SMALL, *full, "--data.dataset", "fashion_mnist"])
    run = Path("logs/fashion_mnist/version_0")
    out = capsys.readouterr().out
    assert "100 FashionMNIST images train." in out
    assert "Keras original" not in out
    main(["test"])
    lines = capsys.readouterr().out.splitlines()
    header = next(i for i, line in enumerate(lines) if line.split()[:1] == ["class"])
    assert [line[:11].strip() for line in lines[header + 1 :][:10]] == NAMES
    for place in ("test", "validation"):
        metrics = json.loads((run / place / "metrics.json").read_text())
        assert metrics["source"] == "fashion_mnist"
        assert [row["class"] for row in metrics["digits"]] == NAMES
        assert [row["support"] for row in metrics["digits"]] == [*map(LABELS.count, NAMES)]
        assert {row["class"] for row in metrics["confusions"]} <= set(NAMES)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Trained on FashionMNIST with" in page
    assert "<th>Class</th>" in page
    assert page.count("Ankle boot") >= 1
    tags = EventAccumulator(str(run / "validation"), {"tensors": 0}).Reload().Tags()["tensors"]
    assert {f"class_{name}" for name in NAMES} <= set(tags)
    metadata = run / "validation/00001/features/metadata.tsv"
    assert metadata.read_text().splitlines() == LABELS

    main(["predict"])
    with (run / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    right = sum(row["class"] == label for row, label in zip(rows, LABELS, strict=True))
    assert right == json.loads((run / "summary.json").read_text())["right"]
    capsys.readouterr()
    main(["export", "--output", "m.safetensors"])
    assert "Compared on 50 FashionMNIST test images: 50 pred" in capsys.readouterr().out
    with safe_open("m.safetensors", "pt") as exported:
        metadata = exported.metadata()
    assert json.loads(metadata["classes"]) == NAMES
    assert metadata["trained_on"] == "fashion_mnist"


def test_a_folder_of_ones_own_goes_on_by_another_path(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, plain = stand_ins(classes=13), ["--report.figures", "false"]
    write(workdir / "sets/mine", packed(files))
    command = ["fit", *SMALL, *plain, "--data.normalize", "standard", "--data.dataset"]
    main([*command, "sets/mine", "--trainer.max_epochs", "1"])
    run = Path("logs/mine/version_0")
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["model"]["num_classes"] == 13
    main([*command, f"{workdir}/sets/mine", "--ckpt_path", "last"])
    main([*command, "sets/mine/"])
    one, other = (
        torch.load(f"logs/mine/version_{number}/checkpoints/last.ckpt", weights_only=True)
        for number in (1, 2)
    )
    assert all(map(torch.equal, one["state_dict"].values(), other["state_dict"].values()))
    settings = one["datamodule_hyper_parameters"]
    assert settings["dataset"] == "mine"
    pixels = np.frombuffer(files["train-images-idx3-ubyte"], np.uint8, offset=16) / 255
    assert settings["normalize"] == pytest.approx((pixels.mean(), pixels.std()), rel=1e-12)
    assert sorted(path.name for path in (workdir / "sets/mine").iterdir()) == sorted(packed(files))

    (workdir / "other").mkdir()
    write(workdir / "other/mine2", files)
    assert "dataset is mine2, but the checkpoint was made with mine" in refused(
        [*command, "other/mine2", "--ckpt_path", "last"], capsys
    )
    shutil.rmtree(workdir / "sets")  # pictures of one's own are read without it
    draw("seven.png")
    main(["predict", "--data.predict_path", "seven.png"])
    assert "Digit" in capsys.readouterr().out
    (found,) = predict_images(["seven.png"], "last")
    assert found.digit in range(13)
    assert "dataset is mine: must be" in refused(["test"], capsys)
    main(["export", "--output", "m.safetensors"])
    assert "generated digits (mine is not in data)" in capsys.readouterr().out


@pytest.mark.usefixtures("mirror")
def test_pictures_are_given_the_names_of_classes(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fit", *SMALL, "--data.dataset", "fashion_mnist", "--report.figures", "false"]
    main(command)
    draw("seven.png")
    capsys.readouterr()
    main(["predict", "--data.predict_path", "seven.png"])
    out = capsys.readouterr().out
    (found,) = predict_images(["seven.png"], "last")
    assert found.digit in NAMES
    assert f" {found.digit} " in out
    assert "Class  Probability" in out
    with Path("logs/fashion_mnist/version_0/predictions.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["class"], row["runner_up"]) == (found.digit, found.runner_up)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--data.dataset", "mnits"], "dataset is mnits: must be mnist, fashion_mnist, kmnist"),
        (
            ["--data.dataset", "kmnist", "--data.source", "synthetic"],
            "source is synthetic: must",
        ),
        (["--data.dataset", "emnist", "--model.num_classes", "46"], "46: must be at least 47"),
        (["--data.split", "small"], "split is small: must be balanced, byclass"),
        (["--data.normalize", "foo"], "normalize is foo: must be 'unit' or 'standard' or a list"),
        (["--data.normalize", "[0.1, 0]"], "normalize is (0.1, 0.0): must be unit, standard, or"),
        (["--data.dataset", "."], "dataset is "),
        (
            ["--data.dataset", "emnist", "--data.mirror", "file:///nowhere"],
            "gzip.zip: No such file or directory at file:///nowhere; put gzip.zip into data/EMNIST",
        ),
    ],
)
def test_what_cannot_be_is_one_line(
    workdir: Path, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reason in refused(["fit", *SMALL, *options], capsys)
    assert not list(workdir.iterdir())
