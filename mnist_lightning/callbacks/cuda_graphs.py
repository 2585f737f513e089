"""The network's kernels on a GPU, launched together."""

from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn

from mnist_lightning.classifier import MNISTClassifier
from mnist_lightning.network import ConvNet

DEVICE = "cuda"
CLOSE = 1e-2  # of the gradients' norm: TF32 has ten bits


class CUDAGraphs(Callback):
    """Replay the network's forward and backward pass as one CUDA graph each.

    Launching the small network's kernels one by one takes longer than running them. The graphs
    are captured at the first batch, and compared with the plain passes before they are used; a
    batch of another size, and all that is not training, goes the plain way. So does a run that
    graphs do not suit: several processes, accumulated gradients, other precisions than 32 bits,
    batch normalisation and dropout.
    """

    def __init__(self) -> None:
        self._due = self._captured = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell whether graphs suit the run."""
        self._due = (
            type(pl_module) is MNISTClassifier  # another may call the network twice in a step
            and type(pl_module.net) is ConvNet
            and pl_module.device.type == DEVICE
            and trainer.world_size == trainer.accumulate_grad_batches == 1
            and trainer.precision == "32-true"
            and not pl_module.batch_norm
            and not any(isinstance(layer, nn.Dropout) for layer in pl_module.modules())
        )

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Capture the graphs with the first batch that is not an epoch's last, smaller one."""
        if not self._due or trainer.is_last_batch:
            return
        self._due, self._captured = False, True
        assert isinstance(pl_module, MNISTClassifier)
        try:
            replay(pl_module.net, batch[0])
        except (RuntimeError, AssertionError) as error:
            self.on_train_end(trainer, pl_module)
            rank_zero_warn(f"no CUDA graphs: {error}")
            if torch.cuda.is_available():  # a capture that fails may leave its own stream behind
                torch.cuda.set_stream(torch.cuda.default_stream())

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go back to the plain passes: graphs can neither be copied nor saved."""
        if self._captured:
            assert isinstance(pl_module, MNISTClassifier)
            pl_module.net.__dict__.pop("forward", None)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Go back to the plain passes."""
        self.on_train_end(trainer, pl_module)


def replay(net: nn.Module, images: Tensor) -> None:
    """Have a network's training replay graphs for batches of one shape.

    Args:
        net: On a GPU, without layers that count or draw at random.
        images: (B, 1, 28, 28) float, a batch on that GPU.

    Raises:
        RuntimeError: The graphs cannot be captured, or give other gradients than the plain passes.
    """
    plain, shape, other = net.forward, images.shape, images.flip(0, 3)
    expected = [*_gradients(net, images), *_gradients(net, other)]
    # sets net.forward; a thread of the user's may go on using the GPU meanwhile
    torch.cuda.make_graphed_callables(net, (images.clone(),), capture_error_mode="thread_local")
    graphed = net.forward

    def forward(batch: Tensor) -> Tensor:
        if batch.shape != shape or batch.requires_grad:
            return plain(batch)  # type: ignore[no-any-return]
        logits: Tensor = graphed(batch)
        return logits.clone()  # the next replay overwrites its own

    net.forward = forward
    given = [*_gradients(net, images), *_gradients(net, other)]
    # written so that NaN is refused
    if not all((a - b).norm() <= CLOSE * a.norm() for a, b in zip(expected, given, strict=True)):
        raise RuntimeError("their gradients are not those of the plain passes")


def _gradients(net: nn.Module, images: Tensor) -> list[Tensor]:
    """The gradients of a loss, copies: a replay overwrites its own."""
    loss = net(images).logsumexp(dim=1).mean()
    return [each.clone() for each in torch.autograd.grad(loss, [*net.parameters()])]
