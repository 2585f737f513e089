"""The commands of the README and of the documentation do what they should, in their own words."""

import shlex
from pathlib import Path
from socketserver import BaseServer

import pytest
from conftest import NO_FIGURES, TINY_DATA, TINY_NETWORK
from mirrors import packed, stand_in, stand_ins, write
from pages import DOCS, README, ROOT, arguments, commands

from mnist_lightning.__main__ import main
from mnist_lightning.data.datasets import SOURCES

# How those begin that are not run here, and where they are instead
LEFT_OUT = {
    "pip install": ".ci/wheel",  # needs a network
    "pytest": ".ci/run",  # this is a part of it
    "mkdocs build": ".ci/run",
    "tensorboard": "tests/report/test_tensorboard.py",  # serves until it is stopped
    "torchrun": "tests/cli/test_torchrun.py",
    "python benchmarks/": "tests/test_benchmarks.py",  # minutes to hours
    "python -m mnist_lightning fit --trainer.devices 2": "tests/cli/test_distributed.py",
    "python -m mnist_lightning export --output model.onnx": "tests/export/test_export.py",  # 4 s
}
SMALLER = shlex.split("--trainer.accelerator cpu --trainer.limit_train_batches 1")
SMALLER += ["--tensorboard.level", "minimal", *NO_FIGURES]
MY_MODULE = """
from mnist_lightning import MNISTClassifier, MNISTDataModule

class MyClassifier(MNISTClassifier): ...
class MyData(MNISTDataModule): ...
"""


def is_left_out(command: list[str]) -> bool:
    return any(f"{' '.join(command)} ".startswith(start) for start in LEFT_OUT)


def found() -> list[list[str]]:
    """Each command once."""
    every = [command for page in (README, *DOCS) for command in commands(page)]
    return [*map(list, dict.fromkeys(map(tuple, every)))]


def place(given: list[str]) -> int:
    """A run is resumed right after it was made, then further; the user's own classes come last."""
    if "my_module" in " ".join(given):
        return 4
    if given[0] == "fit" and "--ckpt_path" in given:
        return 2 if "--trainer.max_epochs" in given else 1
    return 0 if given == ["fit"] else 3


def smaller(given: list[str], mirror: Path) -> list[str]:
    """Options that make a command quick, and let it do without MNIST."""
    if given[0] in ("test", "validate"):
        return NO_FIGURES
    if given[0] == "draw":
        return ["--port", "0", "--browser", "false"]
    if given[0] != "fit" or "--help" in given:
        return []
    epochs = [] if "--trainer.max_epochs" in given else ["--trainer.max_epochs", "1"]
    data = TINY_DATA
    if "fashion_mnist" in given:
        held_out = ["--data.val_size", "20"] if "--data.val_size" in given else []
        data = ["--data.mirror", mirror.as_uri(), *held_out]
    return [*data, *TINY_NETWORK, *epochs, *SMALLER]


@pytest.fixture
def checkout(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the commands name, and a mirror of small files taken for FashionMNIST."""
    for name in ("configs", "mnist_lightning"):
        Path(name).symlink_to(ROOT / name)
    Path("photos").mkdir()
    for name in ("seven.png", "photos/7.png"):
        Path(name).symlink_to(ROOT / "mnist_lightning/handwriting/seven.png")
    # without a label, as another data set's network may be the newest that reads it
    Path("photos/labels.csv").write_text("file,label\n7.png,\n")
    Path("logs/synthetic").mkdir(parents=True)
    Path("logs/mnist").symlink_to("synthetic")
    Path("my_module.py").write_text(MY_MODULE)
    monkeypatch.syspath_prepend(workdir)
    files = stand_ins(3)
    write(mirror := workdir / "mirror", packed(files))
    source = stand_in(files, mirror.as_uri(), source=SOURCES["fashion_mnist"])
    monkeypatch.setitem(SOURCES, "fashion_mnist", source)
    monkeypatch.setattr(BaseServer, "serve_forever", lambda _: None)
    return mirror


def test_what_is_left_out_occurs_and_is_tested_elsewhere() -> None:
    for start, elsewhere in LEFT_OUT.items():
        assert any(f"{' '.join(command)} ".startswith(start) for command in found()), start
        assert (ROOT / elsewhere).is_file()


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_every_other_command_runs(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [arguments(command) for command in found() if not is_left_out(command)]
    assert None not in given, "neither our program's nor known to be left out"
    for each in sorted(filter(None, given), key=place):
        capsys.readouterr()
        code = None
        try:
            main([*each, *smaller(each, checkout)])
        except SystemExit as ended:
            code = ended.code
        printed = capsys.readouterr()
        assert not code, f"{each}: {printed.err}"
        assert printed.out, each
    for name in ("model.keras", "model.ckpt", "logs/fashion_mnist"):
        assert Path(name).exists()
