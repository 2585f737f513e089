"""Runs whose steps are replayed, on a stand-in that keeps their memory as CUDA graphs do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TINY
from lightning import Callback, Trainer
from lightning.pytorch.callbacks import EMAWeightAveraging
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.utilities.combined_loader import CombinedLoader
from recorder import Graphs
from runs import ACCURATE, outcome, same
from torch import Tensor, nn

from mnist_lightning import MNISTClassifier, MNISTDataModule, step_graph
from mnist_lightning.__main__ import main
from mnist_lightning.callbacks import CUDAGraphs, cuda_graphs
from mnist_lightning.callbacks.cuda_graphs import suits
from mnist_lightning.cli import CLI

WITH = ["--trainer.callbacks+", "mnist_lightning.callbacks.CUDAGraphs"]


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Graphs:
    graphs = Graphs()
    monkeypatch.setattr(step_graph, "record", graphs.record)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # here even where it is
    monkeypatch.setattr(cuda_graphs, "DEVICE", "cpu")
    return graphs


def trained(callback: Callback) -> Trainer:
    """Train for an epoch of 32 steps without the program."""
    trainer = Trainer(
        max_epochs=1,
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    data = MNISTDataModule(source="synthetic", synthetic_size=(96, 10), batch_size=3)
    trainer.fit(MNISTClassifier([2], [8]), datamodule=data)
    return trainer


@pytest.fixture
def saves(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """The steps after which a checkpoint is saved, and whether the batch was the epoch's last."""
    steps: list[tuple[int, bool]] = []
    save = Trainer.save_checkpoint

    def noted(self: Trainer, *args: Any, **options: Any) -> None:
        steps.append((self.global_step, self.is_last_batch))
        save(self, *args, **options)

    monkeypatch.setattr(Trainer, "save_checkpoint", noted)
    return steps


def fit(folder: str, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a run of 2 epochs of 32 steps comes to, and the counts in its checkpoint."""
    sizes = ["--data.batch_size", "3", "--report.figures", "false", "--model.lr", "0.0001"]
    main(["fit", *TINY, *sizes, "--trainer.logger.save_dir", folder, *options])
    *_, run = sorted(Path(folder, "synthetic").iterdir())
    kept = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    result = outcome(run)
    result["rows"] = [{name: float(row[name] or 0) for name in row} for row in result["rows"]]
    return result, {name: kept[name] for name in ("loops", "global_step", "MNISTDataModule")}


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--trainer.val_check_interval", "13", "--checkpoint.every_n_train_steps", "12"],
        ["--trainer.val_check_interval", "21", "--trainer.check_val_every_n_epoch", "null"],
        ["--trainer.max_steps", "40", "--trainer.limit_train_batches", "25"],
        ["--trainer.reload_dataloaders_every_n_epochs", "1"],
        ["--data.val_size", "30", "--best_checkpoint.every_n_train_steps", "11"],
    ],
    ids=lambda options: " ".join(options[::2]),
)
def test_a_run_comes_to_the_same(
    workdir: Path, graphs: Graphs, saves: list[tuple[int, bool]], options: list[str]
) -> None:
    plain, counts = fit("plain", *options)
    expected, saves[:] = [*saves], []
    graphed, graphed_counts = fit("graphed", *WITH, *options)
    assert graphs.replayed > graphs.recorded
    torch.testing.assert_close(graphed, plain, rtol=1e-3, atol=1e-5)
    assert graphed_counts == counts
    assert saves == expected


def test_a_run_cut_off_within_an_epoch_goes_on(
    workdir: Path, graphs: Graphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, counts = fit("whole")
    save = Trainer.save_checkpoint

    def last_save(self: Trainer, *args: Any, **options: Any) -> None:
        save(self, *args, **options)
        if self.global_step == 45:
            raise EOFError

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save_checkpoint", last_save)
        with pytest.raises(EOFError):
            fit("part", *WITH, "--checkpoint.every_n_train_steps", "45")
    last = "part/synthetic/version_0/checkpoints/last.ckpt"
    parts, part_counts = fit("part", *WITH, "--ckpt_path", last)
    assert graphs.recorded == 2
    torch.testing.assert_close(parts, whole, rtol=1e-3, atol=1e-5)
    assert part_counts == counts


@pytest.mark.parametrize(
    ("apart", "expected"),
    # of 32: the first, what is left of 30 after three times 9, and the last; each 20th too
    [(100, [0, 28, 29, 30, 31]), (20, [0, 19, 20, 30, 31])],
)
def test_most_steps_are_replayed(
    workdir: Path,
    graphs: Graphs,
    monkeypatch: pytest.MonkeyPatch,
    apart: int,
    expected: list[int],
) -> None:
    made: list[int] = []
    step = MNISTClassifier.training_step

    def counted(self: MNISTClassifier, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        made.append(batch_idx)
        return step(self, batch, batch_idx)

    monkeypatch.setattr(MNISTClassifier, "training_step", counted)
    monkeypatch.setattr(cuda_graphs, "APART", apart)
    fit("graphed", *WITH)
    assert made == expected * 2


def test_without_a_gpu_none_are(
    workdir: Path, graphs: Graphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_graphs, "DEVICE", "cuda")
    fit("plain", *WITH)
    assert not graphs.recorded


class Looks(Callback):
    """Asks to be called at each step."""

    def on_before_optimizer_step(self, *_: Any) -> None:
        """Look."""


class Unsuited(Callback):
    """In a run that graphs suit, make it one that they do not, in one way after another."""

    tried = 0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Try."""
        assert suits(trainer)
        ways: list[tuple[Any, str, Any]] = [
            (trainer, "accumulate_grad_batches", 2),
            (trainer, "gradient_clip_val", 1.0),
            (trainer, "datamodule", None),
            (trainer, "callbacks", [*trainer.callbacks, Looks()]),  # type: ignore[attr-defined]
            (trainer, "callbacks", [*trainer.callbacks, EMAWeightAveraging()]),  # type: ignore[attr-defined]
            (trainer.strategy, "lr_scheduler_configs", [object()]),
            (trainer.strategy, "precision_plugin", MixedPrecision("bf16-mixed", "cpu")),
            (trainer.optimizers[0], "param_groups", 2 * trainer.optimizers[0].param_groups),
            (trainer.strategy, "_optimizers", [torch.optim.Adam(pl_module.parameters())]),
            (trainer.fit_loop, "_combined_loader", CombinedLoader([])),
            (trainer.datamodule, "augmentation", {"shift": 1.0}),  # type: ignore[attr-defined]
            (pl_module.net.head.weight, "requires_grad", False),
            (pl_module.net, "head", nn.Dropout()),
            (pl_module.net, "_forward_hooks", {0: print}),
            (pl_module, "net", nn.Linear(1, 1)),
            (pl_module, "__class__", type("Other", (MNISTClassifier,), {})),
        ]
        for thing, name, value in ways:
            before = getattr(thing, name)
            setattr(thing, name, value)
            assert not suits(trainer), name
            setattr(thing, name, before)
        assert suits(trainer)
        Unsuited.tried = len(ways)


def test_what_graphs_do_not_suit_goes_the_plain_way(workdir: Path, graphs: Graphs) -> None:
    trained(Unsuited())
    assert Unsuited.tried
    fit("accurate", "--config", ACCURATE, *WITH, "--trainer.max_epochs", "1")
    assert not graphs.recorded


def test_a_recording_that_fails_is_said_and_done_without(
    workdir: Path, graphs: Graphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Any] = []

    def fails(steps: Callable[[], None]) -> Callable[[], None]:
        tries.append(steps)
        steps()
        raise RuntimeError("operation not permitted when stream is capturing")

    plain = fit("plain")
    monkeypatch.setattr(step_graph, "record", fails)
    with pytest.warns(UserWarning, match="no CUDA graphs: operation not permitted"):
        graphed = fit("graphed", *WITH)
    assert len(tries) == 1
    assert same(graphed[0], plain[0])


@pytest.mark.parametrize("there", [True, False])
def test_a_fit_has_them_where_there_is_a_gpu(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    had: list[bool] = []

    def run(cli: CLI, subcommand: str) -> None:
        had.append(any(isinstance(each, CUDAGraphs) for each in cli.trainer.callbacks))  # type: ignore[attr-defined]

    monkeypatch.setattr(CLI, "_run_subcommand", run)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch, "set_float32_matmul_precision", lambda precision: None)
    main(["fit", *TINY])
    assert had == [there]


def test_afterwards_the_trainer_is_plain(workdir: Path, graphs: Graphs) -> None:
    trainer = trained(CUDAGraphs())
    assert graphs.replayed
    assert "advance" not in vars(trainer.fit_loop.epoch_loop)
