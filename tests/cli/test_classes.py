"""``--model`` and ``--data``: classes of the user."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import NO_FIGURES, TINY_DATA, refused
from own_classes import Free
from PIL import Image

from mnist_lightning import MNISTClassifier, predict_images
from mnist_lightning.__main__ import main

CPU = ["--trainer.accelerator", "cpu", "--trainer.max_epochs", "1", *NO_FIGURES]
SMALL = ["--model.conv_channels", "[2]", "--model.hidden_dims", "[4]"]
FREE = ["--model", "own_classes.Free"]
ADAM = ["--model.optimizer", "Adam"]
STEPS = ["--model.scheduler", "StepLR"]
STOP = ["--trainer.callbacks", "EarlyStopping"]

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


def counts(out: str) -> list[str]:
    return re.findall(r"(\d+) classified correctly", out)


def test_a_module_of_the_user_goes_through_all_commands(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["fit", *FREE, "--model.width", "4", "--model.lr", "0.05", *TINY_DATA, *CPU])
    (right,) = counts(capsys.readouterr().out)
    run = workdir / "logs/synthetic/version_0"
    config = yaml.safe_load((run / "config.yaml").read_text())
    options = {"width": 4, "lr": 0.05}
    assert config["model"] == {"class_path": "own_classes.Free", "init_args": options}
    last = run / "checkpoints/last.ckpt"
    weights = torch.load(last, weights_only=True)["state_dict"]

    main(["test", *FREE, *NO_FIGURES])
    assert counts(capsys.readouterr().out) == [right], "width is the checkpoint's"
    main(["predict", *FREE])
    model = Free(width=4)
    model.load_state_dict(weights)
    lines = (run / "predictions.csv").read_text().splitlines()
    assert len(lines) == 71
    main(["export", *FREE, "--output", "free.pt2"])
    exported = torch.export.load("free.pt2").module()
    pixels = torch.randint(256, (3, 1, 28, 28), dtype=torch.uint8)
    torch.testing.assert_close(exported(pixels), model(pixels / 255).softmax(1))
    assert "choose .onnx or .pt2" in refused(
        ["export", *FREE, "--output", "free.safetensors"], capsys
    )

    picture = np.full((60, 60), 255, np.uint8)
    picture[10:50, 28:32] = 0
    for kind in (Free, Free(width=4)):
        found = predict_images([picture, Image.fromarray(picture)], last, model=kind)
        assert found[0].probability == found[1].probability
    assert predict_images(picture, model=Free)[0].digit == found[0].digit

    for command in (["test"], ["export", "--output", "x.onnx"], ["fit", *CPU]):
        error = refused([*command, "--ckpt_path", str(last)], capsys)
        assert "last.ckpt: of class own_classes.Free: give --model own_classes.Free" in error
    main(["fit", "--config", str(run / "config.yaml")])
    again = torch.load(str(last).replace("version_0", "version_1"), weights_only=True)
    assert all(torch.equal(weights[name], again["state_dict"][name]) for name in weights)
    main(["fit", *FREE, *CPU, "--trainer.max_epochs", "2", "--ckpt_path", str(last)])
    assert "model.width is 9" in refused(
        ["fit", *FREE, "--model.width", "9", *CPU, "--ckpt_path", str(last)], capsys
    )


def test_data_of_the_user(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", "own_classes.Random"]
    main(["fit", "--data.count", "30", *data, *SMALL, *CPU])
    (right,) = counts(capsys.readouterr().out)
    run = workdir / "logs/Random/version_0"
    stored = yaml.safe_load((run / "config.yaml").read_text())["data"]["init_args"]
    assert stored == {"count": 30}, "the seed is the run's, seed_everything"
    main(["test", *data, "--data.count", "30", *NO_FIGURES])
    assert counts(capsys.readouterr().out) == [right]
    main(["predict", *data])
    assert len((run / "predictions.csv").read_text().splitlines()) == 41


def test_subclasses_of_ours_keep_the_settings_of_a_checkpoint(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ["--model", "own_classes.Wider", "--data", "own_classes.Renamed"]
    standard = ["--data.normalize", "standard", "--data.val_size", "20"]
    main(["fit", *own, *SMALL, *TINY_DATA, *standard, *CPU])
    assert (workdir / "logs/synthetic/version_0/checkpoints/best.ckpt").is_file()
    out = capsys.readouterr().out
    assert "76 synthetic images train." in out
    main(["validate", *own, "--ckpt_path", "last"])
    assert counts(capsys.readouterr().out) == counts(out)


def test_own_parts_of_our_module(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = ["--model.net", "own_classes.Linear", "--model.optimizer", "SGD"]
    parts += ["--model.optimizer.lr", "0.1", "--model.scheduler", "StepLR"]
    command = ["fit", *parts, "--model.scheduler.step_size", "1", *TINY_DATA, *CPU]
    main(command)
    (right,) = counts(capsys.readouterr().out)
    assert "give --model.net own_classes.Linear" in refused(["test"], capsys)
    main(["test", "--model.net", "own_classes.Linear", *NO_FIGURES])
    assert counts(capsys.readouterr().out) == [right]
    main([*command, "--trainer.max_epochs", "2", "--ckpt_path", "last"])
    state = torch.load("logs/synthetic/version_1/checkpoints/last.ckpt", weights_only=True)
    (optimizer,) = state["optimizer_states"]
    assert optimizer["param_groups"][0]["lr"] == pytest.approx(0.1 * 0.1**2)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--model", "own_classes.Nothing"], "no attribute 'Nothing'"),
        (["--model", "no_such_module.Mine"], "No module named 'no_such_module'"),
        (["--model", "own_classes.Random"], "must be a subclass of LightningModule"),
        (["--data", "own_classes.Free"], "must be a subclass of LightningDataModule"),
        ([*FREE, "--model.width", "0"], "own_classes.Free: width is 0"),
        ([*FREE, "--model.widht", "1"], "model.widht is 1: Free has no such option"),
        (["--model.net", "own_classes.Free2"], "no attribute 'Free2'"),
        (["--model.optimizer", "SGD", "--model.lr", "0.1"], "lr is 0.1"),
        (["--model.optimizer", "torch.nn.ReLU"], "torch.nn.ReLU: must be a subclass of Optimizer"),
        (["--model.optimizer", "nosuch"], "model.optimizer is nosuch: must be the name of a class"),
        (["--model.optimizer.lr", "x"], "optimizer.lr is x: must follow --model.optimizer CLASS"),
        ([*ADAM, "--model.optimizer.lr", "x"], "model.optimizer.lr is x: must be a number"),
        ([*ADAM, "--model.optimizer.x", "1"], "model.optimizer.x is 1: Adam has no such option"),
        ([*STEPS, "--model.scheduler.gamma", "x"], "model.scheduler.gamma is x: must be a number"),
        (STEPS, "model.scheduler.step_size: must be given with StepLR"),
        (
            [*STOP, "--trainer.callbacks.stopping_threshold", "x"],
            "stopping_threshold is x: must be a number or null",
        ),
        (["--model.scheduler", "ReduceLROnPlateau"], "lightning.pytorch.cli.ReduceLROnPlateau"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    workdir: Path, arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert named in refused(["fit", *arguments, *TINY_DATA, *CPU], capsys)


def test_modules_of_the_current_folder_are_found(workdir: Path) -> None:
    Path("mine.py").write_text("from mnist_lightning import MNISTClassifier\n\n")
    with Path("mine.py").open("a") as file:
        file.write("class Mine(MNISTClassifier):\n    pass\n")
    script = "import sys; sys.path = [p for p in sys.path if p]; "
    script += "from mnist_lightning.__main__ import main; main()"
    command = [sys.executable, "-c", script, "fit", "--model", "mine.Mine", "--print_config"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "class_path: mine.Mine" in done.stdout


def test_help_lists_no_classes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "--help-all"])
    out = capsys.readouterr().out
    assert "--model.net" in out
    assert "known subclasses" not in " ".join(out.split())
    assert MNISTClassifier.__name__ not in out
