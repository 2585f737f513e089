"""The convolutional network, in plain PyTorch."""

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise

import torch
from torch import Tensor, nn

from mnist_lightning.models.batch import IMAGE_SIZE, check_images
from mnist_lightning.models.kernels.conditions import available
from mnist_lightning.models.kernels.training import TrainingKernels
from mnist_lightning.models.pretrained import read_pretrained

CONV_CHANNELS = (32, 64, 64)
HIDDEN_DIMS = (128,)
KERNEL_SIZE, POOL_SIZE = 3, 2


class ConvNet(nn.Module):
    """Three 3x3 convolutions, a 2x2 max-pool and Dense layers, as in the Keras original.

    Every layer but the last is followed by ReLU. After the last convolution the pool comes first:
    ReLU is monotonic, so the result is the same and ReLU touches a quarter of the values. Weights
    start Glorot-uniform and biases zero, Keras's defaults.

    Args:
        conv_channels: Output channels of each 3x3 unpadded convolution.
        hidden_dims: Width of each hidden Dense layer; (7744, 128) is the original exactly.
        num_classes: Number of logits.
        batch_norm: Normalise over the batch before each ReLU; not in the original.
        dropout: Share of the inputs of each Dense layer that training sets to 0, [0, 1).

    Raises:
        ValueError: A size is below 1, a list is empty, the convolutions leave nothing to pool, or
            dropout is out of range.
    """

    def __init__(
        self,
        conv_channels: Sequence[int] = CONV_CHANNELS,
        hidden_dims: Sequence[int] = HIDDEN_DIMS,
        num_classes: int = 10,
        batch_norm: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        _check(conv_channels, hidden_dims, num_classes, dropout)
        self.features = _features(conv_channels, hidden_dims, batch_norm, dropout)
        self.head = nn.Linear(hidden_dims[-1], num_classes)
        self.apply(_init_like_keras)
        # Batch normalisation leaves no zeros in the gradient for the convolutions' kernel to skip
        self._kernels = TrainingKernels(convolutions=not batch_norm)

    @classmethod
    def from_pretrained(cls) -> "ConvNet":
        """The network that comes with the package, trained on MNIST and set to evaluation.

        Its images are in [0, 1]. ``models/pretrained/MODEL_CARD.md`` tells its recipe and accuracy.

        Raises:
            CheckpointError: The file is missing, or not the one that was released.
        """
        weights, arguments = read_pretrained()
        net = cls(**arguments)
        net.load_state_dict(weights)
        return net.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Compute (B, num_classes) float logits of (B, 1, 28, 28) float images in [0, 1].

        Raises:
            ValueError: They have another shape, are integers or, seen on a CPU, are above 20.
        """
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            return self.head(self.features(images))  # type: ignore[no-any-return]
        return self._compute(images)

    def _compute(self, images: Tensor) -> Tensor:
        kernels: AbstractContextManager[object] = nullcontext()
        ours = available(images)
        check_images(images, values=ours)
        if ours:
            kernels = self._kernels if self.training else kernels
            # A view as channels last, in which CPUs compute convolutions faster. One channel
            # looks alike in both memory formats, so torch keeps the strides that it finds, and
            # all activations follow; torch.channels_last would change nothing here.
            images = images.squeeze(1).unsqueeze(3).permute(0, 3, 1, 2)
        with kernels:
            logits: Tensor = self.head(self.features(images))
        return logits


def _features(
    conv_channels: Sequence[int], hidden_dims: Sequence[int], batch_norm: bool, dropout: float
) -> nn.Sequential:
    """All layers but the last."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    # batch normalisation has a bias, and would subtract that of the layer before
    for i, (fan_in, fan_out) in enumerate(pairwise((1, *conv_channels)), start=1):
        layers[f"conv{i}"] = nn.Conv2d(fan_in, fan_out, KERNEL_SIZE, bias=not batch_norm)
        if batch_norm:
            layers[f"norm{i}"] = nn.BatchNorm2d(fan_out)
        if i == len(conv_channels):
            layers["pool"] = nn.MaxPool2d(POOL_SIZE)
        layers[f"relu{i}"] = nn.ReLU()
    layers["flatten"] = nn.Flatten()
    if dropout:
        layers["dropout"] = nn.Dropout(dropout)
    size = (IMAGE_SIZE - (KERNEL_SIZE - 1) * len(conv_channels)) // POOL_SIZE
    widths = (conv_channels[-1] * size**2, *hidden_dims)
    for i, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
        layers[f"dense{i}"] = nn.Linear(fan_in, fan_out, bias=not batch_norm)
        if batch_norm:
            layers[f"dense{i}_norm"] = nn.BatchNorm1d(fan_out)
        layers[f"dense{i}_relu"] = nn.ReLU()
        if dropout:
            layers[f"dense{i}_dropout"] = nn.Dropout(dropout)
    return nn.Sequential(layers)


def _init_like_keras(module: nn.Module) -> None:
    """Glorot & Bengio (2010), eq. 16, and zero biases: the defaults of Keras's Conv2D and Dense."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _check(
    conv_channels: Sequence[int], hidden_dims: Sequence[int], classes: int, dropout: float
) -> None:
    deepest = (IMAGE_SIZE - POOL_SIZE) // (KERNEL_SIZE - 1)
    if not 1 <= len(conv_channels) <= deepest or min(conv_channels) < 1:
        sizes = f"{list(conv_channels)}: must be 1 to {deepest} sizes of at least 1"
        raise ValueError(f"conv_channels is {sizes}")
    if not hidden_dims or min(hidden_dims) < 1:
        raise ValueError(f"hidden_dims is {list(hidden_dims)}: must be sizes of at least 1")
    if classes < 2:
        raise ValueError(f"num_classes is {classes}: must be at least 2")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}: must be 0 or more, and below 1")
