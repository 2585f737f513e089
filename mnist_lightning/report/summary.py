"""What a run comes to, in words and as ``summary.json``."""

import platform
from importlib.metadata import version
from typing import Any

from lightning import LightningModule, Trainer

from mnist_lightning import __version__
from mnist_lightning.checkpoints.last_checkpoint import trainer_options
from mnist_lightning.data.datamodule import MNISTDataModule, attached_data
from mnist_lightning.report.layer_table import layers
from mnist_lightning.report.results import Gathered
from mnist_lightning.report.scores import wilson_interval

ORIGINAL_RIGHT, ORIGINAL_WRONG = 9_885, 115  # README of the Keras project
HELD_OUT, TEST = "held-out images", "test images"
PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics")


def source_lines(data: MNISTDataModule | None) -> list[str]:
    """Warn where the images are not MNIST."""
    if data is None or data.source != "synthetic":
        return []
    if data.own:
        return ["The network was trained on SYNTHETIC DIGITS: expect more mistakes."]
    return ["SYNTHETIC DIGITS: generated images, not MNIST; figures say nothing of MNIST."]


def opening_lines(data: MNISTDataModule | None) -> list[str]:
    """Say what the run trains on, and what validates it."""
    lines = source_lines(data)
    if data is None:
        return lines
    name = "MNIST" if data.source == "mnist" else "synthetic"
    trained = f"{len(data.train):,} {name} images train"
    if data.val_size:
        return [
            *lines,
            f"{trained}, {data.val_size:,} held out validate; the test set is untouched.",
        ]
    return [
        *lines,
        f"{trained}; as in the original, the {len(data.val):,} test images validate each epoch.",
    ]


def images_name(stage: str, data: MNISTDataModule | None) -> str:
    """Say which images were scored.

    Args:
        stage: ``val`` or ``test``.
        data: The data module, if it is ours.
    """
    if data is None:
        return f"{stage} images"
    return HELD_OUT if stage == "val" and data.val_size else TEST


def count_lines(results: Gathered, stage: str, data: MNISTDataModule | None) -> list[str]:
    """Say how many images were classified correctly, beside the original where it compares.

    Args:
        results: Of the whole set.
        stage: ``val`` or ``test``.
        data: The data module, if it is ours.
    """
    name = images_name(stage, data)
    lines = _count(f"{name}:", results.right, results.wrong)
    whole = results.right + results.wrong == ORIGINAL_RIGHT + ORIGINAL_WRONG
    if data is not None and data.source == "mnist" and whole and name == TEST:
        lines += _count("the Keras original:", ORIGINAL_RIGHT, ORIGINAL_WRONG)
    if name == HELD_OUT:
        lines.append("The test set was not looked at; `mnist-lightning test` scores it.")
    return lines


def closing_lines(folder: str, data: MNISTDataModule | None) -> list[str]:
    """Say where the run's files are and how to look at its curves."""
    lines = [f"Run folder: {folder}", f"Curves: tensorboard --logdir {folder}"]
    if data is not None and data.source == "synthetic":
        lines.append("This run used SYNTHETIC DIGITS: it is not an MNIST result.")
    return lines


def summarize(
    trainer: Trainer, module: LightningModule, results: Gathered | None, seconds: float
) -> dict[str, Any]:
    """Collect source, protocol, counts, metrics, size, time and versions of a run.

    Args:
        trainer: At the end of ``fit``.
        module: What was trained.
        results: Of the last validation, if there was one.
        seconds: Wall time of ``fit``.
    """
    data = attached_data(trainer)
    counts = {"right": results.right, "wrong": results.wrong} if results else {}
    metrics = {name: value.item() for name, value in sorted(trainer.callback_metrics.items())}
    return {
        "source": data.source if data else None,
        "protocol": _protocol(data),
        **counts,
        "metrics": metrics,
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "seconds": round(seconds, 3),
        "seed": data.seed if data else None,
        "layers": layers(module),
        "settings": _settings(trainer, module),
        "versions": {
            "mnist_lightning": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
        },
    }


def _count(name: str, right: int, wrong: int) -> list[str]:
    low, high = wilson_interval(right, right + wrong)
    return [
        f"{name:<20} {right:>6,} classified correctly, {wrong:>5,} classified incorrectly",
        f"{'':<20} {right / (right + wrong):.2%}, 95 % interval {low:.2%} to {high:.2%}",
    ]


def _settings(trainer: Trainer, module: LightningModule) -> dict[str, Any]:
    """The options that the result depends on, by their names on the command line."""
    data = attached_data(trainer)
    options = {"max_epochs": trainer.max_epochs, **trainer_options(trainer)}
    groups = {"model": module.hparams, "data": data.hparams if data else {}, "trainer": options}
    settings = {
        f"{group}.{name}": value if isinstance(value, int | float | None) else str(value)
        for group, values in groups.items()
        for name, value in values.items()
    }
    if data:
        settings["seed_everything"] = settings.pop("data.seed")
    return settings


def _protocol(data: MNISTDataModule | None) -> str | None:
    if data is None:
        return None
    if data.val_size:
        return f"{data.val_size} training images held out for validation; test set untouched"
    return "test set validates after each epoch; last epoch counts"
