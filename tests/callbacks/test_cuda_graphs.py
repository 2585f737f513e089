"""Graphs of the network's passes, on a stand-in that keeps their memory as CUDA graphs do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TINY
from lightning import Trainer
from runs import outcome, same
from torch import Tensor, nn

from mnist_lightning import ConvNet, MNISTClassifier
from mnist_lightning.__main__ import main
from mnist_lightning.batches import shuffled
from mnist_lightning.callbacks import CUDAGraphs, cuda_graphs
from mnist_lightning.callbacks.cuda_graphs import replay
from mnist_lightning.cli import CLI

SIZE = 20


class Captured:
    """Passes whose inputs, outputs and gradients lie in the same memory at each replay."""

    replays = 0

    def __init__(self, net: nn.Module, images: Tensor) -> None:
        self.forward: Callable[[Tensor], Tensor] = net.forward
        self.weights = [*net.parameters()]
        self.input = images
        self.output: Tensor = net(images).detach()
        self.gradients = [torch.empty_like(weight) for weight in self.weights]

    def __call__(self, images: Tensor) -> Tensor:
        captured = self

        class Replay(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, images: Tensor, *weights: Tensor) -> Tensor:
                Captured.replays += 1
                captured.input.copy_(images)
                with torch.enable_grad():  # else the layers would not know that it is training
                    logits = captured.forward(captured.input)
                captured.output.copy_(logits.detach())
                return captured.output.detach()

            @staticmethod
            def backward(ctx: Any, *given: Tensor) -> tuple[Tensor | None, ...]:
                with torch.enable_grad():
                    logits = captured.forward(captured.input)
                fresh = torch.autograd.grad(logits, captured.weights, given)
                for place, gradient in zip(captured.gradients, fresh, strict=True):
                    place.copy_(gradient)
                return None, *(each.detach() for each in captured.gradients)

        logits: Tensor = Replay.apply(images, *self.weights)
        return logits


def capture(net: nn.Module, images: tuple[Tensor], capture_error_mode: str) -> nn.Module:
    """In place of ``torch.cuda.make_graphed_callables``: for training alone, as that does."""
    captured, plain = Captured(net, *images), net.forward
    net.forward = lambda batch: (captured if net.training else plain)(batch)
    return net


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", capture)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)  # here even where it is
    monkeypatch.setattr(cuda_graphs, "DEVICE", "cpu")
    Captured.replays = 0


def fit(folder: str, *options: str) -> dict[str, Any]:
    sizes = ["--data.batch_size", str(SIZE), "--report.figures", "false"]
    main(["fit", *TINY, *sizes, "--trainer.logger.save_dir", folder, *options])
    return outcome(Path(folder, "synthetic", "version_0"))


WITH = ["--trainer.callbacks+", "mnist_lightning.callbacks.CUDAGraphs"]


def test_a_run_comes_to_the_same(workdir: Path, stand_in: None) -> None:
    plain, graphed = fit("plain"), fit("graphed", *WITH)
    # two epochs of four whole batches and one of 16 images, and two to compare the gradients
    assert Captured.replays == 2 * 4 + 2
    assert same(plain, graphed)


@pytest.mark.parametrize(
    "option",
    [
        ["--trainer.accumulate_grad_batches", "2"],
        ["--model.batch_norm", "true"],
        ["--model.dropout", "0.1"],
        ["--trainer.precision", "bf16-mixed"],
    ],
    ids=lambda option: option[0],
)
def test_what_graphs_do_not_suit_goes_the_plain_way(
    workdir: Path, stand_in: None, option: list[str]
) -> None:
    fit("graphed", *WITH, *option)
    assert not Captured.replays


def test_without_a_gpu_nothing_is_captured(
    workdir: Path, stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_graphs, "DEVICE", "cuda")
    fit("plain", *WITH)
    assert not Captured.replays


def test_wrong_gradients_are_not_used(
    workdir: Path, stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tensor, "copy_", lambda self, other: self)  # as if nothing were replayed
    with pytest.raises(RuntimeError, match="gradients"):
        replay(ConvNet([2], [8]), torch.rand(4, 1, 28, 28))


def test_a_capture_that_fails_is_said_and_done_without(
    workdir: Path, stand_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(net: nn.Module, images: tuple[Tensor], capture_error_mode: str) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")

    plain = fit("plain")
    monkeypatch.setattr(torch.cuda, "make_graphed_callables", fails)
    with pytest.warns(UserWarning, match="no CUDA graphs: operation not permitted"):
        graphed = fit("graphed", *WITH)
    assert same(plain, graphed)


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


def trained(model: MNISTClassifier, images: int) -> MNISTClassifier:
    """Train for an epoch in batches of 20."""
    pixels, labels = torch.rand(images, 1, 28, 28), torch.arange(images) % 10
    loader = shuffled(pixels, labels, SIZE, seed=0)
    trainer = Trainer(
        max_epochs=1,
        callbacks=[CUDAGraphs()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, loader, loader)
    return model


def test_afterwards_the_network_is_plain(workdir: Path, stand_in: None) -> None:
    model = trained(MNISTClassifier([2], [8]), 2 * SIZE)
    assert Captured.replays
    assert "forward" not in vars(model.net)


class Twice(MNISTClassifier):
    """Asks the network twice in a step: a second replay would overwrite what the first keeps."""

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        images, targets = batch
        step = super().training_step
        return step(batch, batch_idx) + step((images.flip(3), targets), batch_idx)


def test_modules_of_others_go_the_plain_way(workdir: Path, stand_in: None) -> None:
    trained(Twice([2], [8]), 2 * SIZE)
    assert not Captured.replays


def test_a_last_smaller_batch_is_not_what_is_captured(workdir: Path, stand_in: None) -> None:
    trained(MNISTClassifier([2], [8]), SIZE - 4)
    assert not Captured.replays


def test_gradients_of_images_go_the_plain_way(stand_in: None) -> None:
    net, images = ConvNet([2], [8]), torch.rand(4, 1, 28, 28)
    (expected,) = torch.autograd.grad(net(images.requires_grad_()).sum(), images)
    replay(net, images.detach())
    (given,) = torch.autograd.grad(net(images).sum(), images)
    assert torch.equal(given, expected)
