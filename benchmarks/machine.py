"""What a figure was measured on."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from mnist_lightning.models.kernels.sparse_gradient import compiled

PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics", "keras", "tensorflow", "jax")


def describe() -> dict[str, Any]:
    """Processor, its cores, the threads in use, GPU, and the versions of what is installed."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
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


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
