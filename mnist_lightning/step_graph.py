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
        RuntimeError: The steps cannot be recorded, or do other than steps made one by one.
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
        device, size = batches.labels.device, most * batches.batch_size
        self._batch = torch.arange(batches.batch_size, device=device)
        # where a batch begins in what follows
        self._begin = torch.zeros((), dtype=torch.int64, device=device)
        self._rows = torch.zeros(size, dtype=torch.int64, device=device)
        self._rates = torch.zeros(size, device=device)
        self._losses = torch.zeros(size, device=device)
        self._logits = torch.zeros(size, module.hparams["num_classes"], device=device)
        self._replay = self._recorded()
        self._places = self._where()

    def run(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Make the steps of some batches, a multiple of ``STEPS``.

        Args:
            rows: (batches * batch_size,) int64, on the GPU; the rows of each batch in turn.

        Returns:
            Losses, (N,) float, logits, (N, num_classes) float, and targets, (N,) int64, of all
            their images.
        """
        steps = self._prepare(rows)
        for _ in range(steps // STEPS):
            self._replay()
        self._adam.count(steps)
        count, targets = len(rows), self.batches.labels[rows]
        return self._losses[:count].clone(), self._logits[:count].clone(), targets

    def is_current(self) -> bool:
        """Whether all lies where the graph reads and writes."""
        return self._where() == self._places

    def _prepare(self, rows: Tensor) -> int:
        """Put in place what the steps of these rows read; how many steps they are."""
        size = len(self._batch)
        steps = len(rows) // size
        self._rows[: len(rows)] = rows
        self._rates[: len(rows)] = self._adam.rates(steps).repeat_interleave(size)
        self._begin.zero_()
        return steps

    def _steps(self) -> None:
        for _ in range(STEPS):
            self._step()

    def _step(self) -> None:
        """Make a step, of kernels alone: nothing here waits for the GPU."""
        places = self._begin + self._batch
        losses, logits = self._of(self._rows[places])
        gradients = torch.autograd.grad(losses.mean(), [*self._module.parameters()])
        self._adam.step_at(self._rates[places[:1]].view(()), gradients)
        self._losses[places], self._logits[places] = losses.detach(), logits.detach()
        self._begin += len(self._batch)

    def _of(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and logits of a batch."""
        batch = self.batches.images[rows], self.batches.labels[rows]
        return self._module.losses(self._transform(batch))

    def _recorded(self) -> Callable[[], None]:
        """Record steps, and compare losses and weights with those of steps made one by one."""
        rows = torch.arange(STEPS * len(self._batch), device=self._rows.device)
        rows %= len(self.batches.labels)
        with self._put_back():
            self._prepare(rows)
            replay = record(self._steps)
        with self._put_back() as before:
            losses = self._one_by_one(rows)
            expected = losses, self._moved(before)
        with self._put_back() as before:
            self._prepare(rows)
            replay()
            given = self._losses[: len(rows)], self._moved(before)
            # written so that NaN is refused
            if not all(
                (a - b).norm() <= CLOSE * a.norm() for a, b in zip(expected, given, strict=True)
            ):
                raise RuntimeError("their steps are not those made one by one")
        return replay

    def _one_by_one(self, rows: Tensor) -> Tensor:
        """Make steps as Lightning does; their losses."""
        made = []
        for index in torch.split(rows, len(self._batch)):
            losses, _ = self._of(index)
            self._adam.zero_grad()
            losses.mean().backward()  # type: ignore[no-untyped-call]
            self._adam.step()
            made.append(losses.detach())
        return torch.cat(made)

    def _moved(self, before: list[Tensor]) -> Tensor:
        """How far each weight went."""
        weights = [*self._module.parameters()]
        return torch.cat(
            [(a - b).flatten() for a, b in zip(weights, before, strict=False)]
        ).detach()

    @contextmanager
    def _put_back(self) -> Iterator[list[Tensor]]:
        """Undo what steps do to weights, buffers and optimizer; gives what they were."""
        state, group = self._state(), self._adam.param_groups[0]
        before, settings = [each.detach().clone() for each in state], dict(group)
        try:
            yield before
        finally:
            with torch.no_grad():
                torch._foreach_copy_(state, before)
            group.update(settings)
            self._adam.zero_grad()

    def _state(self) -> list[Tensor]:
        """What steps change: weights first."""
        states = self._adam.state.values()
        of_adam = [state[name] for state in states for name in ("step", "exp_avg", "exp_avg_sq")]
        return [*self._module.parameters(), *self._module.buffers(), *of_adam]

    def _where(self) -> list[int]:
        return [each.data_ptr() for each in self._state()]


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
