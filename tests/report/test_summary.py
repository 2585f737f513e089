"""The closing lines."""

import torch

from mnist_lightning.report.results import Results
from mnist_lightning.report.summary import count_lines


def test_results_count_and_keep_the_first_of_each_kind() -> None:
    labels = torch.arange(60) % 10
    digits = labels.clone()
    digits[::4] = (digits[::4] + 1) % 10
    images = torch.arange(60.0).reshape(60, 1, 1, 1)
    results = Results()
    for start in range(0, 60, 7):
        part = slice(start, start + 7)
        results.update(images[part], labels[part], torch.eye(10)[digits[part]])
    gathered = results.gather()
    assert gathered is not None
    assert (gathered.right, gathered.wrong) == (45, 15)
    shown, true, predicted = gathered.shown()
    assert shown.flatten().tolist() == [1, 2, 3, 5, 6, 7, 9, 10, 11, *range(0, 36, 4)]
    assert true.tolist() == labels[shown.flatten()].tolist()
    assert predicted.tolist() == digits[shown.flatten()].tolist()
    counts, share = count_lines(gathered, "val", None)
    assert "45 classified correctly,    15 classified incorrectly" in counts
    assert share.startswith(" " * 20 + " 75.00%, 95 % interval")


def test_no_batches_no_results() -> None:
    assert Results().gather() is None
