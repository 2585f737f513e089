"""The closing lines of a run."""

import pytest

from mnist_lightning.report.closing import format_seconds


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min 0 s"),
        (232.4, "3 min 52 s"),
        (3599.6, "1 h 0 min"),
        (7385, "2 h 3 min"),
    ],
)
def test_time_as_people_say_it(seconds: float, shown: str) -> None:
    assert format_seconds(seconds) == shown
