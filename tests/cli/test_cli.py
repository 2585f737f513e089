"""The command line from end to end."""

import csv
import io
import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conftest import NO_FIGURES, TINY, refused
from lightning import LightningModule, Trainer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mnist_lightning import MNISTClassifier
from mnist_lightning.__main__ import main
from mnist_lightning.report.history import History

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


def holds(whole: Any, part: Any) -> bool:
    """Tell whether all values of a part, nested, are those of the whole."""
    if isinstance(part, dict):
        return all(key in whole and holds(whole[key], part[key]) for key in part)
    if isinstance(part, list) and isinstance(whole, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return bool(whole == part)


def power_cut_in_epoch(epoch: int) -> Any:
    """A hook that breaks off at the start of an epoch, counted from 0."""

    def hook(callback: History, trainer: Trainer, module: LightningModule) -> None:
        if trainer.current_epoch == epoch:
            raise RuntimeError("power cut")

    return hook


def test_four_subcommands(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fit", *TINY])
    run = workdir / "logs" / "synthetic" / "version_0"
    out = capsys.readouterr().out
    assert "96 synthetic images train" in out
    header, first, second = out.split("epoch ", 1)[1].splitlines()[:3]
    assert header.split() == ["loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
    assert [line.split()[0] for line in (first, second)] == ["1/2", "2/2"]
    assert "SYNTHETIC DIGITS: it is not an MNIST result." in out
    assert max(map(len, out.splitlines())) <= 79
    assert not re.search(r"[^\n -~]", out), "no control characters where there is no terminal"
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == [
        "last.ckpt",
        "last.previous.ckpt",
    ]

    with (run / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    summary = json.loads((run / "summary.json").read_text())
    assert summary["source"] == "synthetic"
    assert summary["seed"] == 42
    assert summary["right"] + summary["wrong"] == 70
    assert summary["right"] / 70 == pytest.approx(float(rows[1]["val_accuracy"]))
    for folder, column in (("train", "loss"), ("validation", "val_loss")):
        events = EventAccumulator(str(run / folder))
        events.Reload()
        more = {"training/lr", "training/images_per_second"} if folder == "train" else set()
        assert set(events.Tags()["scalars"]) == {"loss", "accuracy"} | more
        values = [(event.step, event.value) for event in events.Scalars("loss")]
        assert values == [(i + 1, pytest.approx(float(rows[i][column]))) for i in (0, 1)]
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["source"] == "synthetic"

    for command in ("test", "validate"):
        main([command, *NO_FIGURES])
        out = capsys.readouterr().out
        assert str(Path("synthetic", "version_0", "checkpoints", "last.ckpt")) in out
        assert f"{summary['right']} classified correctly" in out
    main(["predict"])
    with (run / "predictions.csv").open() as file:
        predictions = list(csv.DictReader(file))
    assert [int(row["index"]) for row in predictions] == list(range(70))
    assert MNISTClassifier.load_from_checkpoint(run / "checkpoints" / "last.ckpt").hparams

    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    main(["fit", *TINY])
    assert (run.parent / "version_1" / "summary.json").exists()
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_resuming_goes_on(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fit", *TINY])
    last = "logs/synthetic/version_0/checkpoints/last.ckpt"
    more = ["--trainer.accelerator", "cpu", "--trainer.max_epochs", "3", "--ckpt_path", last]
    more += NO_FIGURES
    main(["fit", *more])
    history = (workdir / "logs/synthetic/version_1/history.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in history] == ["epoch", "1", "2", "3"]
    assert "data.batch_size" in refused(["fit", *more, "--data.batch_size", "8"], capsys)
    assert "model.hidden_dims" in refused(["fit", *more, "--model.hidden_dims", "[9]"], capsys)
    assert "seed_everything" in refused(["fit", *more, "--seed_everything", "9"], capsys)
    assert "model.lr" in refused(["test", "--model.lr", "0.5"], capsys)
    capsys.readouterr()
    main(["test", "--data.synthetic_size", "[96, 20]", *NO_FIGURES])
    counts = re.search(r"(\d+) classified correctly, +(\d+)", capsys.readouterr().out)
    assert counts
    assert int(counts[1]) + int(counts[2]) == 20, "the command line wins"


def test_held_out_images_choose_the_best(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = ["--best_checkpoint.monitor", "train/loss", "--best_checkpoint.mode", "max"]
    main(["fit", *TINY, "--data.val_size", "30", *first])
    out = capsys.readouterr().out
    assert "66 synthetic images train.\n30 held out validate each epoch; the test set is un" in out
    folder = workdir / "logs/synthetic/version_0/checkpoints"
    best, last = (folder / f"{name}.ckpt" for name in ("best", "last"))
    steps = [torch.load(path, weights_only=True)["global_step"] for path in (best, last)]
    assert steps == [3, 6], "66 images are three steps an epoch"
    main(["test", *NO_FIGURES])
    assert "best.ckpt" in capsys.readouterr().out


def test_a_batch_of_one_is_not_normalised(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = ["--model.batch_norm", "true", "--data.batch_size", "5"]
    assert "96 images in batches of 5 would hold one" in refused(["fit", *TINY, *alone], capsys)


def test_a_cycle_is_not_continued_over_other_steps(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["fit", *TINY, "--model.schedule", "one_cycle"]
    main(command)
    more = ["--trainer.max_epochs", "3", "--ckpt_path", "last"]
    assert "its 6 steps are not the 9 of this run" in refused([*command, *more], capsys)


def test_each_epoch_is_kept_before_the_next(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(History, "on_train_epoch_start", power_cut_in_epoch(1))
    with pytest.raises(RuntimeError, match="power cut"):
        main(["fit", *TINY])
    (path,) = workdir.glob("logs/synthetic/version_0/checkpoints/last.ckpt")
    kept = torch.load(path, weights_only=True)
    assert kept["global_step"] == 3
    (history,) = (state for name, state in kept["callbacks"].items() if "History" in name)
    assert len(history["rows"]) == 1


@pytest.mark.parametrize(
    "extra",
    [
        ["--trainer.fast_dev_run", "true"],
        ["--trainer.logger", "false", "--trainer.enable_checkpointing", "false"],
        ["--trainer.limit_val_batches", "0"],
        ["--trainer.max_epochs", "0"],
        ["--trainer.max_steps", "4"],
    ],
)
def test_unusual_runs_end_well(
    workdir: Path, extra: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["fit", *TINY, *extra])
    out = capsys.readouterr().out
    if extra[0] in ("--trainer.fast_dev_run", "--trainer.logger"):
        assert {path.name for path in workdir.iterdir()} <= {"data"}
    # the two batches of Lightning's sanity check are no result
    unseen = extra[0] == "--trainer.limit_val_batches" or extra[1] == "0"
    assert ("classified correctly" in out) != unseen


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_config_parses(
    workdir: Path, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["fit", "--config", str(config), "--print_config"])
    assert caught.value.code == 0
    parsed = yaml.safe_load(capsys.readouterr().out)
    if config.stem == "keras_original":
        with torch.device("meta"):
            model = MNISTClassifier(**parsed["model"])
        assert sum(p.numel() for p in model.parameters()) == 61_025_674
    assert holds(parsed, yaml.safe_load(config.read_text()))


def test_the_accurate_recipe_keeps_averaged_weights(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accurate = next(config for config in CONFIGS if config.stem == "accurate")
    recipe = ["fit", "--config", str(accurate), *TINY, "--data.batch_size", "32"]
    main([*recipe, "--trainer.callbacks", "null"])
    capsys.readouterr()
    main(recipe)
    paths = sorted(workdir.glob("logs/synthetic/version_?/checkpoints/last.ckpt"))
    plain, averaged = map(MNISTClassifier.load_from_checkpoint, paths)
    assert not torch.equal(plain.net.head.weight, averaged.net.head.weight)
    assert torch.load(paths[1], weights_only=True)["averaging_state"]["n_averaged"] == 6
    counted = re.search(r"test images: .*", capsys.readouterr().out)
    assert "averaged weights" in refused(["fit", *TINY, "--ckpt_path", "last"], capsys)
    main(["test", *NO_FIGURES])
    assert counted
    assert counted[0] in capsys.readouterr().out, "what validated is what is kept"


def test_a_folder_that_cannot_be_written_is_named(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workdir / "a_file").touch()
    fit = ["fit", *TINY, "--trainer.logger.save_dir"]
    assert "a_file/x" in refused([*fit, "a_file/x"], capsys)
    main([*fit, "logs"])
    assert "a_file/x" in refused(["predict", "--predictions.file_name", "a_file/x"], capsys)


def test_debug_shows_the_traceback(workdir: Path) -> None:
    with pytest.raises(Exception, match="batch_size is 0"):
        main(["fit", "--data.batch_size", "0", "--debug"])


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as caught:
            main([option])
        assert caught.value.code == 0
    assert "usage: mnist-lightning" in capsys.readouterr().out


def test_a_profile_is_printed(workdir: Path) -> None:
    text = io.StringIO()
    listener, logger = logging.StreamHandler(text), logging.getLogger("lightning.pytorch")
    logger.addHandler(listener)
    main(["fit", *TINY, "--trainer.profiler", "simple"])
    logger.removeHandler(listener)
    assert "run_training_epoch" in text.getvalue()


def test_real_mnist_in_one_pass_over_6400_images(
    workdir: Path, mnist_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fast = next(config for config in CONFIGS if config.stem == "fast")
    options = ["--trainer.accelerator", "cpu", "--trainer.limit_train_batches", "100", *NO_FIGURES]
    main(["fit", "--config", str(fast), "--data.mirror", mnist_dir.as_uri(), *options])
    out = capsys.readouterr().out
    assert "the Keras original:   9,885 classified correctly,   115" in out
    summary = json.loads((workdir / "logs/mnist/version_0/summary.json").read_text())
    assert summary["right"] >= 9_500
    assert summary["right"] + summary["wrong"] == 10_000
