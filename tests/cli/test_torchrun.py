"""Processes and nodes that torchrun started, against what the options tell."""

from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import TensorDataset

from mnist_lightning.cli.torchrun import follow_torchrun
from mnist_lightning.data.loader import EpochSampler
from mnist_lightning.errors import UsageError


@pytest.fixture
def torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a process that torchrun starts, of two on each of three nodes."""
    sizes = {"WORLD_SIZE": "6", "LOCAL_WORLD_SIZE": "2"}
    for name, value in {"TORCHELASTIC_RUN_ID": "a", **sizes}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("torchrun")
@pytest.mark.parametrize(
    ("given", "taken"),
    [(("auto", 1), (2, 3)), ((2, 1), (2, 3)), (("2", 3), ("2", 3)), ((-1, 3), (-1, 3))],
)
def test_processes_and_nodes_are_taken(
    given: tuple[object, int], taken: tuple[object, int]
) -> None:
    options = SimpleNamespace(devices=given[0], num_nodes=given[1])
    follow_torchrun(options)
    assert (options.devices, options.num_nodes) == taken


@pytest.mark.usefixtures("torchrun")
@pytest.mark.parametrize("given", [(1, 1), (3, 3), (2, 2), ("auto", 6)])
def test_another_number_is_refused(given: tuple[object, int]) -> None:
    with pytest.raises(UsageError, match="torchrun started 6 processes, 2 here"):
        follow_torchrun(SimpleNamespace(devices=given[0], num_nodes=given[1]))


def test_without_torchrun_nothing_is_touched() -> None:
    options = SimpleNamespace(devices="auto", num_nodes=1)
    follow_torchrun(options)
    assert options == SimpleNamespace(devices="auto", num_nodes=1)


@pytest.mark.usefixtures("torchrun")
def test_a_trainer_that_knows_one_process_is_told() -> None:
    with pytest.warns(UserWarning, match="each of torchrun's 6 processes takes all"):
        list(EpochSampler(TensorDataset(torch.zeros(8)), num_replicas=1, rank=0))
