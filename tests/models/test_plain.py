"""Values that a checkpoint can hold."""

from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import quiet
from torch.utils.data import DataLoader, TensorDataset

from mnist_lightning import MNISTClassifier
from mnist_lightning.models.plain import is_plain, plain

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


class Number(Enum):
    """An enumeration of NumPy's numbers."""

    ONE = np.int64(1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([4, 8]), [4, 8]),
        (torch.Size([4, 8]), [4, 8]),
        (torch.tensor(3), 3),
        ((np.int32(1), (2.0, None)), [1, [2.0, None]]),
        (range(2), [0, 1]),
        (Path("a/b"), "a/b"),
        (Number.ONE, 1),
        (Decimal("0.25"), 0.25),
        (Fraction(1, 4), 0.25),
        ({"a": np.str_("b")}, {"a": "b"}),
    ],
)
def test_values_become_plain(value: Any, expected: Any) -> None:
    assert not is_plain(value)
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)
    assert is_plain(found)


def test_what_is_no_value_stays() -> None:
    assert plain(len) is len
    assert not is_plain([len])


def test_a_checkpoint_of_numpys_numbers_loads(tmp_path: Path) -> None:
    values: Any = (np.array([2]), torch.Size([4]), np.int64(10), np.float64(0.01), np.bool_(False))
    model = MNISTClassifier(*values)
    trainer = quiet(tmp_path, max_epochs=1)
    data = DataLoader(TensorDataset(torch.rand(4, 1, 28, 28), torch.arange(4)), 4)
    trainer.validate(model, data, verbose=False)
    trainer.save_checkpoint(tmp_path / "x.ckpt", weights_only=True)
    stored = torch.load(tmp_path / "x.ckpt", weights_only=True)["hyper_parameters"]
    assert stored["conv_channels"] == [2]
    assert stored["lr"] == 0.01
    assert MNISTClassifier.load_from_checkpoint(tmp_path / "x.ckpt").hparams["hidden_dims"] == [4]
