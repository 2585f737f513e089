"""A stand-in for CUDA graphs: operations recorded on the CPU, and repeated in the same memory."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

WAIT = (
    torch.ops.aten._local_scalar_dense.default,  # item
    torch.ops.aten.nonzero.default,
    torch.ops.aten.masked_select.default,
    torch.ops.aten.lift_fresh.default,  # torch.tensor
)


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Record operations with the tensors that they took and gave; what waits for a GPU is refused.

    As on a GPU a repeat runs no Python, and reads and writes where the recorded operations did.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._calls: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in WAIT:
            raise RuntimeError("operation not permitted when stream is capturing")
        given = func(*args, **(kwargs or {}))
        self._calls.append((func, args, kwargs or {}, given))
        return given

    @torch.no_grad()
    def replay(self) -> None:
        """Do it all again."""
        for func, args, kwargs, given in self._calls:
            again = func(*args, **kwargs)
            for old, new in zip(tree_leaves(given), tree_leaves(again), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


class Graphs:
    """Recordings in place of ``step_graph.record``, counted, and how often they are replayed."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def record(self, steps: Callable[[], None]) -> Callable[[], None]:
        """Record a function."""
        self.recorded += 1
        steps()  # once before, as on a GPU
        recorder = Recorder()
        with recorder:
            steps()

        def replay() -> None:
            self.replayed += 1
            recorder.replay()

        return replay
