"""Updates of a metric, put off."""

from typing import Any, Self

from torch import Tensor
from torchmetrics import Metric
from torchmetrics.wrappers.abstract import WrapperMetric

MOST = 50  # updates put off


class Deferred(WrapperMetric):
    """Hand a metric its updates many at a time: the same ones in the same order, only later.

    Between two steps on the CPU an update takes three to seven times as long as right after another
    one, as its code has left the caches. What was put off is made up for before anything is read.

    Args:
        metric: The metric to update.
    """

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self.metric = metric
        self._updates: list[tuple[Tensor, ...]] = []

    def update(self, *values: Tensor) -> None:
        """Put off an update with the values that the metric takes."""
        self._updates.append(values)
        if len(self._updates) == MOST:
            self._catch_up()

    def compute(self) -> Any:
        """The metric's value, of all updates."""
        self._catch_up()
        return self.metric.compute()

    def reset(self) -> None:
        """Begin anew."""
        self._updates = []
        self.metric.reset()

    @property
    def metric_state(self) -> dict[str, Any]:
        """The metric's state after all updates."""
        self._catch_up()
        return self.metric.metric_state

    def _apply(self, *args: Any, **options: Any) -> Self:
        """Catch up before a move to another device, which what was put off does not make."""
        self._catch_up()
        super()._apply(*args, **options)
        return self

    def _catch_up(self) -> None:
        updates, self._updates = self._updates, []
        for values in updates:
            self.metric.update(*values)
