"""Training steps as a CUDA graph."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from mnist_lightning.batches import Batches
from mnist_lightning.classifier import MNISTClassifier
from mnist_lightning.keras_adam import KerasAdam

STEPS = 9  # recorded in one graph
CLOSE = 0.05  # of how far the weights go; TF32 has ten bits, and Adam divides small numbers

Batch = tuple[Tensor, Tensor]


class StepGraph:
    """Training steps that a GPU repeats by itself, each with the batch that comes next.

    A graph repeats the same kernels in the same memory. So each step reads from that memory which
    rows of the data set are its batch, and writes there what the figures of training need.

    Args:
        module: The classifier, on a GPU.
        adam: Its optimizer, which has made a step.
        batches: The training images, on that GPU.
        transform: Makes of a batch of theirs what the classifier takes, without random numbers.
        most: Steps of one call at most.

    Raises:
        RuntimeError: The steps cannot be recorded, or the recorded ones move the weights elsewhere.
    """

    def __init__(
        self,
        module: MNISTClassifier,
        adam: KerasAdam,
        batches: Batches,
        transform: Callable[[Batch], Batch],
        most: int,
    ) -> None:
        self.batches = batches
        self._module, self._adam, self._transform = module, adam, transform
        self._weights = [*module.parameters()]
        device, size = batches.labels.device, most * batches.batch_size
        self._order = torch.arange(size, device=device) % len(batches.labels)
        self._begin = torch.zeros((), dtype=torch.int64, device=device)  # in the order
        self._batch = torch.arange(batches.batch_size, device=device)
        self._lr = torch.full((), adam.param_groups[0]["lr"], device=device)
        self._losses = torch.zeros(size, device=device)
        self._logits = torch.zeros(size, module.hparams["num_classes"], device=device)
        self._replay = self._recorded()

    def run(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Make the steps of some batches, a multiple of ``STEPS``.

        Args:
            rows: (batches * batch_size,) int64, on the GPU; the rows of each batch in turn.

        Returns:
            Losses, (N,) float, logits, (N, num_classes) float, and targets, (N,) int64, of all
            their images.
        """
        count = len(rows)
        self._order[:count] = rows
        self._begin.zero_()
        self._lr.fill_(self._adam.param_groups[0]["lr"])
        steps = count // len(self._batch)
        for _ in range(steps // STEPS):
            self._replay()
        self._adam.count(steps)
        targets = self.batches.labels[rows]
        return self._losses[:count].clone(), self._logits[:count].clone(), targets

    def _step(self) -> None:
        """Make a step, of kernels alone: nothing here waits for the GPU."""
        places = self._begin + self._batch
        rows = self._order[places]
        batch = self.batches.images[rows], self.batches.labels[rows]
        losses, logits = self._module.losses(self._transform(batch))
        self._adam.step_on_tensors(torch.autograd.grad(losses.mean(), self._weights), self._lr)
        self._losses[places] = losses.detach()
        self._logits[places] = logits.detach()
        self._begin += len(self._batch)

    def _recorded(self) -> Callable[[], None]:
        """Record steps, and compare where they and the same ones, unrecorded, take the weights."""
        with self._put_back():
            self._steps()
            expected = [weight.detach().clone() for weight in self._weights]
        with self._put_back():
            replay = record(self._steps)
        with self._put_back() as before:
            replay()
            moved = torch.stack([(a - b).norm() for a, b in zip(expected, before, strict=False)])
            off = torch.stack(
                [(a - b).norm() for a, b in zip(expected, self._weights, strict=True)]
            )
        if not off.norm() <= CLOSE * moved.norm():  # written so that NaN is refused
            raise RuntimeError("their steps are not those made one by one")
        return replay

    def _steps(self) -> None:
        for _ in range(STEPS):
            self._step()

    @contextmanager
    def _put_back(self) -> Iterator[list[Tensor]]:
        """Undo what steps do to weights, buffers and optimizer; gives what they were."""
        states = [*self._adam.state.values()]
        of_adam = [state[name] for state in states for name in ("step", "exp_avg", "exp_avg_sq")]
        tensors = [*self._weights, *self._module.buffers(), *of_adam, self._begin]
        before = [each.detach().clone() for each in tensors]
        try:
            yield before
        finally:
            with torch.no_grad():
                torch._foreach_copy_(tensors, before)


def record(steps: Callable[[], None]) -> Callable[[], None]:
    """Record what a function asks of the GPU, which it does once before; the result repeats it."""
    graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(current)
    with torch.cuda.stream(stream):
        steps()
    current.wait_stream(stream)
    try:
        # a thread of the user's may go on using the GPU meanwhile
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            steps()
    finally:
        torch.cuda.set_stream(current)  # where that fails, it may leave its own behind
    replay: Callable[[], None] = graph.replay
    return replay
