"""Which pixels spoke for a mistake."""

import torch
from torch import Tensor, nn

NOISE, COPIES = 0.25, 32  # of the range of the pixels; of each image


def margin_gradients(net: nn.Module, images: Tensor, labels: Tensor, predictions: Tensor) -> Tensor:
    """Compute the gradient, by each pixel, of the predicted class's logit less the true class's.

    Averaged over copies with noise (SmoothGrad: Smilkov et al. 2017, arXiv 1706.03825), the same
    noise each time.

    Args:
        net: (B, 1, H, W) to logits, (B, C); in evaluation mode.
        images: (N, 1, H, W) float.
        labels: (N,) int64, the truth.
        predictions: (N,) int64.

    Returns:
        (N, H, W) float: above 0 where a brighter pixel makes the prediction more probable, below
        0 where it makes the truth more probable.
    """
    if not len(images):
        return images[:, 0]
    with torch.inference_mode(False), torch.enable_grad():
        copies = images.repeat(COPIES, 1, 1, 1)
        noise = torch.randn(copies.shape, generator=torch.Generator().manual_seed(0)).to(copies)
        pixels = copies + noise * NOISE * (images.max() - images.min())
        logits = net(pixels.requires_grad_())
        predicted, true = (
            logits.gather(1, each.repeat(COPIES).unsqueeze(1)) for each in (predictions, labels)
        )
        (gradients,) = torch.autograd.grad((predicted - true).sum(), pixels)
    return gradients.reshape(COPIES, *images.shape).mean(dim=0)[:, 0]
