"""Processes that torchrun started."""

import os
from typing import Any

from torch import distributed

from mnist_lightning.errors import UsageError


def follow_torchrun(options: Any) -> None:
    """Take the number of processes and nodes from torchrun, where no option tells it.

    Raises:
        UsageError: They tell another number: each process would train a model of its own.
    """
    if not distributed.is_torchelastic_launched():
        return
    processes, here = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
    if options.devices == "auto":
        options.devices = here
    if options.num_nodes == 1:
        options.num_nodes = processes // here
    if str(options.devices) not in ("-1", str(here)) or options.num_nodes * here != processes:
        nodes = f"trainer.num_nodes is {options.num_nodes}"
        given = f"trainer.devices is {options.devices}, {nodes}"
        raise UsageError(f"{given}: torchrun started {processes} processes, {here} here")
