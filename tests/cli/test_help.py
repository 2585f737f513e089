"""Help on one screen, and words for what is mistyped, before anything is loaded."""

import json
import subprocess
import sys
from importlib.metadata import version

import pytest
from conftest import refused

from mnist_lightning import __version__
from mnist_lightning.__main__ import main
from mnist_lightning.cli import known_options
from mnist_lightning.cli.commands import EXAMPLES, OPTIONS, SUMMARIES

PAGES = [[], ["--help"], *([command, "--help"] for command in SUMMARIES)]


@pytest.mark.parametrize("arguments", PAGES)
def test_a_page_fits_a_screen(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit, match="0"):
        main(arguments)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 79


def test_each_example_and_option_is_known() -> None:
    options = known_options.read_options()
    for command, examples in EXAMPLES.items():
        for example in examples:
            name, *arguments = example.split()
            assert command in (name, "")
            known_options.check_options(name, arguments)
    for command, texts in OPTIONS.items():
        assert set(texts) <= set(options[command])


def test_the_file_of_options_is_what_the_parsers_have() -> None:
    stored = known_options.read_options()
    if version("lightning") != stored["lightning"]:
        pytest.skip("another release of Lightning has other options")
    again = "run python -m mnist_lightning.cli.known_options"
    assert json.dumps(known_options.collect_options()) == json.dumps(stored), again


def test_help_all_lists_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("predict", "export"):
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help-all"])
        out = capsys.readouterr().out
        for option in known_options.read_options()[command]:
            assert f"--{option.partition('.theme')[0]}" in out


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("train", "train: no such command. Did you mean fit?"),
        ("evaluate --x", "Did you mean test?"),
        ("exprot", "Did you mean export?"),
        ("xyz", "There are fit, validate"),
        ("fit --trainer.max_epoch 3", "--trainer.max_epoch 3; did you mean --trainer.max_epochs?"),
        ("predict --data.predict_paht=x", "did you mean --data.predict_path?"),
        ("draw --prot 1", "--prot 1; did you mean --port?"),
    ],
)
def test_what_is_mistyped(line: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert hint in refused(line.split(), capsys)


def test_what_belongs_to_classes_of_the_user_is_left_to_them() -> None:
    for option in ("--model.optimizer.lr", "--trainer.logger.init_args.x", "--trainer.callbacks+"):
        known_options.check_options("fit", [option, "1", "--model.help", "--trainer", "x.yaml"])


@pytest.mark.parametrize("line", ["--version", "--help", "fit --help", "fit --trainer.max_epoch 3"])
def test_they_load_neither_torch_nor_jsonargparse(line: str) -> None:
    code = f"""
import sys
from mnist_lightning.cli.program import run
try:
    run({line.split()})
except SystemExit:
    pass
assert not {{"torch", "lightning", "jsonargparse", "numpy"}} & {{*sys.modules}}
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert __version__ in shown.stdout or line not in ("--version", "--help")
