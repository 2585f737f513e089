"""Which figures a run and a test have, by the names of their files."""

from collections.abc import Iterator

import numpy as np
import torch
from lightning import LightningModule
from matplotlib.figure import Figure
from torch import Tensor, nn

from mnist_lightning.report import plotting
from mnist_lightning.report.plotting import Columns
from mnist_lightning.report.predictions import Predictions

EXPLAINED = 9  # mistakes
NOISE, COPIES = 0.25, 32  # of the range of the pixels; of each image


def draw_curves(columns: Columns) -> Iterator[tuple[str, Figure]]:
    """Draw the curves that the columns of a history allow."""
    for metric in plotting.METRICS:
        for stage, (name, _) in plotting.STAGES.items():
            if f"{stage}{metric}" in columns:
                yield f"{name}_{metric}", plotting.plot_curves(columns, [metric], [stage])
    if len(columns) > 2:  # more than epoch and seconds
        yield "curves", plotting.plot_curves(columns)


def draw_validation(predictions: Predictions) -> Iterator[tuple[str, Figure]]:
    """Draw right and wrong predictions, and the confusion matrix."""
    shown = predictions.shown.arrays(predictions.classes)
    yield "predictions", plotting.plot_predictions(*shown[:3])
    yield "confusion_matrix", _draw_confusion_matrix(predictions)


def draw_test(module: LightningModule, predictions: Predictions) -> Iterator[tuple[str, Figure]]:
    """Draw confusions, mistakes and what spoke for them, calibration, and the first filters."""
    scores, mistakes, classes = predictions.scores, predictions.mistakes, predictions.classes
    yield "confusion_matrix", _draw_confusion_matrix(predictions)
    yield "mistakes", plotting.plot_mistakes(*mistakes.arrays(classes))
    bins = np.array([list(each.values()) for each in scores.bins])
    yield "reliability", plotting.plot_reliability(bins, scores.calibration_error)
    convolutions = [each for each in module.modules() if isinstance(each, nn.Conv2d)]
    if convolutions:
        filters = convolutions[0].weight.detach().flatten(0, 1).float().cpu()
        yield "filters", plotting.plot_filters(filters.numpy())
    few = mistakes.select(slice(EXPLAINED))
    # where, and as precisely as, the network computes
    pixels, labels, logits = (each.to(module.device) for each in few)
    gradients = margin_gradients(module, pixels.to(module.dtype), labels, logits.argmax(dim=1))
    images, truth, digits, _ = few.arrays(classes)
    gradients = gradients.float().cpu()
    yield "saliency", plotting.plot_saliency(images, gradients.numpy(), truth, digits)


def _draw_confusion_matrix(predictions: Predictions) -> Figure:
    matrix = np.array(predictions.scores.confusion_matrix)
    return plotting.plot_confusion_matrix(matrix, predictions.classes)


def margin_gradients(net: nn.Module, images: Tensor, labels: Tensor, predictions: Tensor) -> Tensor:
    """Compute the gradient, by each pixel, of the predicted class's logit less the true class's.

    Of images (N, K, H, W) float, with labels and predictions (N,) int64, it is (N, H, W) float:
    above 0 where a brighter pixel speaks for the prediction, below 0 where it speaks for the truth.
    Averaged over copies with noise (SmoothGrad: Smilkov et al. 2017, arXiv 1706.03825), the same
    noise each time; ``net`` is in evaluation mode.
    """
    if not len(images):
        return images[:, 0]
    with torch.inference_mode(False), torch.enable_grad():
        copies = images.repeat(COPIES, 1, 1, 1)
        noise = torch.randn(copies.shape, generator=torch.Generator().manual_seed(0)).to(copies)
        pixels = copies + noise * NOISE * (images.max() - images.min())
        logits = net(pixels.requires_grad_())
        pairs = torch.stack([predictions, labels], dim=1).repeat(COPIES, 1)
        predicted, true = logits.gather(1, pairs).T
        (gradients,) = torch.autograd.grad((predicted - true).sum(), pixels)
    return gradients.reshape(COPIES, *images.shape).mean(dim=0).sum(dim=1)
