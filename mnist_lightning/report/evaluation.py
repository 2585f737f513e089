"""The evaluation of a test."""

from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from matplotlib.figure import Figure
from torch import nn

from mnist_lightning.checkpoints.run_folder import say
from mnist_lightning.data.datamodule import attached_data
from mnist_lightning.files import atomic_write
from mnist_lightning.report.diagnostics import (
    plot_attention,
    plot_filters,
    plot_mistakes,
    plot_reliability,
)
from mnist_lightning.report.metrics import score_lines, write_metrics
from mnist_lightning.report.plotting import plot_confusion_matrix
from mnist_lightning.report.results import Array, Results, logits_of
from mnist_lightning.report.run_page import FILE_NAME, write_page
from mnist_lightning.report.saliency import margin_gradients
from mnist_lightning.report.scores import Scores
from mnist_lightning.report.worst import Mistakes, Worst

MISTAKES, EXPLAINED = 36, 9


class Evaluation(Callback):
    """Print what a test says of each digit, and write it with figures into the folder ``test``.

    That lies in the trainer's ``default_root_dir``, which the command line makes the folder of the
    checkpoint's run; the run's page there is written anew.

    Args:
        figures: Draw figures, and write the page.
    """

    def __init__(self, figures: bool = True) -> None:
        self.figures = figures
        self._results = Results()
        self._worst = Worst(MISTAKES)

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin a new pass."""
        self._results, self._worst = Results(), Worst(MISTAKES)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Collect the answers; a module that does not return its ``logits`` is asked again."""
        images, labels = batch
        logits = logits_of(pl_module, outputs, images)
        self._results.update(images, labels, logits)
        self._worst.update(images, labels, logits)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print and write."""
        results, mistakes = self._results.gather(), self._worst.gather()
        if not results or not mistakes or not trainer.is_global_zero:
            return
        for line in score_lines(results.scores):
            say(trainer, line)
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        run = Path(trainer.default_root_dir)
        origin = attached_data(trainer), trainer.ckpt_path
        write_metrics(run / "test", results.scores, "test", *origin)
        if self.figures:
            with trainer.precision_plugin.forward_context():
                figures = list(draw(pl_module, results.scores, mistakes))
            for name, figure in figures:
                with atomic_write(run / "test" / f"{name}.png") as draft:
                    figure.savefig(draft, dpi=120)
        say(trainer, f"Written to {run / 'test'}")
        if self.figures and (run / FILE_NAME).is_file():
            say(trainer, write_page(run))


def draw(
    module: LightningModule, scores: Scores, mistakes: Mistakes
) -> Iterator[tuple[str, Figure]]:
    """Draw what a test says of a network; file name and figure of each."""
    yield "confusion_matrix", plot_confusion_matrix(np.array(scores.confusion_matrix))
    worst = mistakes.images, mistakes.labels, mistakes.digits
    yield "mistakes", plot_mistakes(*worst, mistakes.probabilities)
    images, labels, digits = (each[:EXPLAINED] for each in worst)
    gradients = _gradients(module, images, labels, digits)
    yield "attention", plot_attention(images, gradients, labels, digits)
    counts, confidences, accuracies = np.array([astuple(each) for each in scores.bins]).T
    yield "reliability", plot_reliability(counts, confidences, accuracies, scores.calibration_error)
    convolutions = [each for each in module.modules() if isinstance(each, nn.Conv2d)]
    if convolutions:
        filters = convolutions[0].weight.detach().flatten(0, 1).float().cpu()
        yield "filters", plot_filters(filters.numpy())


def _gradients(module: LightningModule, images: Array, labels: Array, digits: Array) -> Array:
    """Compute them where, and as precisely as, the network computes; (N, H, W) float32."""
    pixels = torch.from_numpy(images).unsqueeze(1).to(module.device).to(module.dtype)
    classes = [torch.from_numpy(each).to(module.device) for each in (labels, digits)]
    gradients: Array = margin_gradients(module, pixels, *classes).float().cpu().numpy()
    return gradients
