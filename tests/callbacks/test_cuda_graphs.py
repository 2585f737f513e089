"""Runs whose steps are replayed, on a stand-in that keeps their memory as CUDA graphs do."""

import copy
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TINY
from lightning import Callback, Trainer
from lightning.pytorch.callbacks import (
    EMAWeightAveraging,
    LambdaCallback,
    ModelCheckpoint,
    RichProgressBar,
    Timer,
    TQDMProgressBar,
)
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.profilers import SimpleProfiler
from lightning.pytorch.utilities.combined_loader import CombinedLoader
from recorder import Graphs
from runs import ACCURATE, outcome, same
from torch import Tensor, nn

from mnist_lightning import MNISTClassifier, MNISTDataModule, step_graph
from mnist_lightning.__main__ import main
from mnist_lightning.callbacks import (
    Board,
    CUDAGraphs,
    LastCheckpoint,
    cuda_graphs,
    graph_rules,
)
from mnist_lightning.callbacks.graph_rules import suits
from mnist_lightning.cli import CLI

WITH = ["--trainer.callbacks+", "mnist_lightning.callbacks.CUDAGraphs"]


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> Graphs:
    graphs = Graphs()
    monkeypatch.setattr(step_graph, "record", graphs.record)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # here even where it is
    monkeypatch.setattr(cuda_graphs, "DEVICE", "cpu")
    return graphs


def trainer_with(*callbacks: Callback) -> Trainer:
    return Trainer(
        max_epochs=1,
        callbacks=[*callbacks],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def train(trainer: Trainer) -> None:
    """Train for an epoch of 32 steps without the program."""
    data = MNISTDataModule(source="synthetic", synthetic_size=(96, 10), batch_size=3)
    trainer.fit(MNISTClassifier([2], [8]), datamodule=data)


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


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The images of each epoch that TensorBoard's speed counts."""
    counts: list[int] = []
    end = Board.on_train_epoch_end

    def noted(self: Board, *args: Any) -> None:
        counts.append(self._images)
        end(self, *args)

    monkeypatch.setattr(Board, "on_train_epoch_end", noted)
    return counts


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
        ["--data.batch_size", "5"],  # the last batch holds one image, right after replayed steps
        ["--trainer.val_check_interval", "13", "--checkpoint.every_n_train_steps", "12"],
        ["--trainer.val_check_interval", "21", "--trainer.check_val_every_n_epoch", "null"],
        ["--trainer.max_steps", "40", "--trainer.limit_train_batches", "25"],
        ["--trainer.reload_dataloaders_every_n_epochs", "1"],
        ["--data.val_size", "30", "--best_checkpoint.every_n_train_steps", "11"],
    ],
    ids=lambda options: " ".join(options[::2]),
)
def test_a_run_comes_to_the_same(
    workdir: Path,
    graphs: Graphs,
    saves: list[tuple[int, bool]],
    images: list[int],
    options: list[str],
) -> None:
    plain, counts = fit("plain", *options)
    expected, saves[:] = [*saves], []
    expected_images, images[:] = [*images], []
    graphed, graphed_counts = fit("graphed", *WITH, *options)
    assert graphs.replayed > graphs.recorded
    torch.testing.assert_close(graphed, plain, rtol=1e-3, atol=1e-5)
    assert graphed_counts == counts
    assert saves == expected
    assert images == expected_images


@pytest.mark.parametrize(
    ("step", "options"),
    [
        (45, ["--checkpoint.every_n_train_steps", "45"]),
        (48, ["--trainer.val_check_interval", "16"]),  # cut off before the validation
    ],
)
def test_a_run_cut_off_within_an_epoch_goes_on_bit_for_bit(
    workdir: Path,
    graphs: Graphs,
    monkeypatch: pytest.MonkeyPatch,
    images: list[int],
    step: int,
    options: list[str],
) -> None:
    whole, counts = fit("whole", *WITH, *options)
    save = Trainer.save_checkpoint

    def last_save(self: Trainer, *args: Any, **options: Any) -> None:
        save(self, *args, **options)
        if self.global_step == step:
            raise EOFError

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "save_checkpoint", last_save)
        with pytest.raises(EOFError):
            fit("part", *WITH, *options)
    last = "part/synthetic/version_0/checkpoints/last.ckpt"
    parts, part_counts = fit("part", *WITH, *options, "--ckpt_path", last)
    assert graphs.recorded == 3
    assert same(parts, whole)
    for each in (counts, part_counts):  # Lightning counts the validation that begins again twice
        del each["loops"]["fit_loop"]["epoch_loop.val_loop.batch_progress"]
    assert part_counts == counts
    assert images == [96, 96, 96, (64 - step) * 3]


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
    monkeypatch.setattr(graph_rules, "APART", apart)
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


class Bar(TQDMProgressBar):
    """A bar of the user's that looks at each step."""

    def on_train_batch_end(self, *_: Any) -> None:
        """Look."""


class Known(Board):
    """Looks in a hook that it does not share with its parent."""

    def on_after_backward(self, *_: Any) -> None:
        """Look."""


LOOKING = [
    Looks(),
    Bar(),
    Known(),
    EMAWeightAveraging(),
    *(LambdaCallback(**{hook: print}) for hook in graph_rules.HOOKS),
]
CONTENT = [RichProgressBar(), TQDMProgressBar(), Timer(), ModelCheckpoint(), LastCheckpoint()]


class Unsuited(Callback):
    """In a run that graphs suit, make it one that they do not, in one way after another."""

    tried = 0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        """Try."""
        assert suits(trainer)
        adam, weight = trainer.optimizers[0], pl_module.net.head.weight
        callbacks = trainer.callbacks  # type: ignore[attr-defined]
        for content in CONTENT:
            callbacks.append(content)
            assert suits(trainer), content
            callbacks.pop()
        ways: list[tuple[Any, str, Any]] = [
            *((trainer, "callbacks", [*callbacks, looking]) for looking in LOOKING),
            (trainer, "accumulate_grad_batches", 2),
            (trainer, "gradient_clip_val", 1.0),
            (trainer, "datamodule", None),
            (trainer, "profiler", SimpleProfiler()),
            (trainer.strategy, "__class__", type("Other", (type(trainer.strategy),), {})),
            (trainer.strategy, "lr_scheduler_configs", [object()]),
            (trainer.strategy, "precision_plugin", MixedPrecision("bf16-mixed", "cpu")),
            (trainer.strategy, "_optimizers", [torch.optim.Adam(pl_module.parameters())]),
            (trainer.fit_loop, "_combined_loader", CombinedLoader([])),
            (trainer.datamodule, "augmentation", {"shift": 1.0}),  # type: ignore[attr-defined]
            (adam, "param_groups", 2 * adam.param_groups),
            (adam, "_optimizer_step_pre_hooks", {0: print, 1: print}),
            (adam, "_optimizer_step_post_hooks", {0: print}),
            (weight, "requires_grad", False),
            (weight, "_backward_hooks", {0: print}),
            (weight, "_post_accumulate_grad_hooks", {0: print}),
            (pl_module.net, "head", nn.Dropout()),
            *((pl_module.net, hooks, {0: print}) for hooks in graph_rules.LAYER_HOOKS),
            (pl_module, "forward", print),
            (pl_module, "training_step", print),
            (pl_module, "net", nn.Linear(1, 1)),
            (pl_module, "__class__", type("Other", (MNISTClassifier,), {})),
        ]
        for thing, name, value in ways:
            before = getattr(thing, name)
            setattr(thing, name, value)
            assert not suits(trainer), (name, value)
            if name in ("forward", "training_step"):
                delattr(thing, name)  # the class has it
            else:
                setattr(thing, name, before)
        assert suits(trainer)
        Unsuited.tried = len(ways)


def test_what_graphs_do_not_suit_goes_the_plain_way(workdir: Path, graphs: Graphs) -> None:
    train(trainer_with(Unsuited()))
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


class Fails(Callback):
    """Fails once the epoch is done."""

    def on_train_epoch_end(self, *_: Any) -> None:
        """Fail."""
        raise EOFError


@pytest.mark.parametrize("fails", [False, True])
def test_afterwards_the_trainer_is_plain(workdir: Path, graphs: Graphs, fails: bool) -> None:
    callback = CUDAGraphs()
    trainer = trainer_with(callback, *([Fails()] if fails else []))
    with pytest.raises(EOFError) if fails else nullcontext():
        train(trainer)
    assert graphs.replayed
    assert "advance" not in vars(trainer.fit_loop.epoch_loop)
    copy.deepcopy(callback)  # a CUDA graph cannot be copied
    assert callback._graph is None


class Plain(Callback):
    """Looks at each step."""

    def on_train_batch_end(self, *_: Any) -> None:
        """Look."""


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    run = step_graph.StepGraph.run

    def counted(self: step_graph.StepGraph, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ran.append(len(rows))
        return run(self, rows)

    monkeypatch.setattr(step_graph.StepGraph, "run", counted)
    sizes = ["--data.source", "synthetic", "--data.synthetic_size", "[2000, 100]"]
    short = ["--trainer.max_epochs", "2", "--report.figures", "false", "--model.lr", "0.0001"]
    command = ["fit", *sizes, *short, "--trainer.accelerator", "gpu", "--trainer.devices", "1"]
    look = ["--trainer.callbacks+", f"{Plain.__module__}.{Plain.__name__}"]
    main([*command, *look, "--trainer.logger.save_dir", "plain"])
    assert not ran
    main([*command, "--trainer.logger.save_dir", "graphed"])
    assert sum(ran) > 2000
    plain, graphed = (outcome(Path(each, "synthetic/version_0")) for each in ("plain", "graphed"))
    for column in ("loss", "val_loss"):
        losses = [[float(row[column]) for row in each["rows"]] for each in (plain, graphed)]
        assert losses[1] == pytest.approx(losses[0], rel=0.01)
