"""Rejection: whether an image shows a digit at all."""

import torch
from torch import Tensor

from mnist_lightning.models.network import ConvNet
from mnist_lightning.models.pretrained import read_card, read_rejection


class Rejection:
    """The network that comes with the package, asked whether images are digits.

    It was trained with an eleventh class, "no digit", whichever network tells the digits apart.

    Args:
        net: Network of ten digits.
        weight: Row of the eleventh class in its last layer, (1, hidden width) float.
        bias: Of the same, (1,) float.
        threshold: Probability of a digit, [0, 1], below which an image is refused.
        temperature: By which ``net``'s logits are divided for calibrated probabilities, above 0.
    """

    def __init__(
        self,
        net: ConvNet,
        weight: Tensor,
        bias: Tensor,
        threshold: float = 0.5,
        temperature: float = 1.0,
    ) -> None:
        self._net, self._weight, self._bias = net.eval(), weight, bias
        self.threshold, self.temperature = threshold, temperature

    @classmethod
    def from_pretrained(cls) -> "Rejection":
        """As released.

        Raises:
            CheckpointError: A file is missing, or not the one that was released.
        """
        row, card = read_rejection(), read_card()
        net = ConvNet.from_pretrained()
        return cls(net, row["weight"], row["bias"], card["threshold"], card["temperature"])

    @torch.inference_mode()
    def digit_probability(self, images: Tensor) -> Tensor:
        """Probability that each is a digit, (B,) float in [0, 1], not the greatest of the digits'.

        Images are (B, 1, 28, 28) float32 in [0, 1], bright ink on dark ground and framed, whatever
        the scaling of the network that reads them.
        """
        features = self._net.features(images)
        no_digit = torch.nn.functional.linear(features, self._weight, self._bias)[:, 0]
        # of a softmax over all eleven, the share of the ten
        return torch.sigmoid(self._net.head(features).logsumexp(dim=1) - no_digit)

    def is_digit(self, images: Tensor) -> Tensor:
        """Whether each of (B, 1, 28, 28) images, float32 in [0, 1], is a digit: (B,) bool."""
        return self.digit_probability(images) >= self.threshold
