"""Small runs, and what they come to."""

import csv
from pathlib import Path
from typing import Any

import torch
from conftest import TINY
from lightning import Trainer

ACCURATE = str(Path(__file__).parents[1] / "configs" / "accurate.yaml")
RECIPES = {
    "default": [],
    "accurate": ["--config", ACCURATE],  # dropout, augmentation, one cycle, averaged weights
    "accumulated": ["--trainer.accumulate_grad_batches", "2"],
    "steps": ["--trainer.max_steps", "7", "--trainer.limit_train_batches", "3"],
}


def command(recipe: str) -> list[str]:
    """Three epochs of 5 batches, each step saved."""
    sizes = ["--data.batch_size", "20", "--trainer.max_epochs", "3"]
    saves = ["--checkpoint.every_n_train_steps", "1"]
    return ["fit", *RECIPES[recipe], *TINY, *sizes, *saves]


def quiet(folder: Path, **options: object) -> Trainer:
    """A plain trainer on the CPU that shows and saves nothing."""
    return Trainer(
        accelerator="cpu",
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,  # type: ignore[arg-type]
    )


def outcome(run: Path) -> dict[str, Any]:
    """What a run came to: weights, optimiser, schedule and rows, but for wall times."""
    kept = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    parts = {name: kept[name] for name in ("state_dict", "optimizer_states", "lr_schedulers")}
    with (run / "history.csv").open() as file:
        parts["rows"] = [{**row, "seconds": ""} for row in csv.DictReader(file)]
    return parts


def same(one: Any, other: Any) -> bool:
    """Tell whether two nests of tensors and plain values are the same, bit for bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, torch.Tensor) else bool(one == other)
