"""The lines that are printed."""

import torch

from mnist_lightning.report.lines import count_lines
from mnist_lightning.report.scores import compute_scores


def test_counts_and_interval() -> None:
    labels = torch.arange(60) % 10
    predictions = torch.where(torch.arange(60) % 4 == 0, (labels + 1) % 10, labels)
    counts, share = count_lines(compute_scores(torch.eye(10)[predictions], labels), "val", None)
    assert (
        counts == "val images:              45 classified correctly,    15 classified incorrectly"
    )
    # scipy.stats.binomtest(45, 60).proportion_ci(method="wilson")
    assert share.strip() == "75.00%, 95 % interval 62.77% to 84.22%"
