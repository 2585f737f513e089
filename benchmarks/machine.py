"""What a figure was measured on."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from mnist_lightning.models.kernels.sparse_gradient import compiled
from mnist_lightning.report.provenance import cores, processor

PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics", "keras", "tensorflow", "jax")


def describe() -> dict[str, Any]:
    """Processor, its cores, the threads in use, GPU, and the versions of what is installed."""
    return {
        "processor": processor(),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "system": platform.system(),
        "sparse_gradient": compiled() is not None,
        "versions": {"python": platform.python_version(), **_versions()},
    }


def one_line(machine: dict[str, Any]) -> str:
    """The description for a table's foot."""
    where = machine["gpu"] or f"{machine['processor']}, {machine['threads']} threads"
    packages = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return f"{where}; {packages}"


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
