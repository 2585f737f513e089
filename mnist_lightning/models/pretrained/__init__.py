"""Trained weights that come with the package; MODEL_CARD.md tells what they are."""

import hashlib
import json
from pathlib import Path
from typing import Any

from torch import Tensor

from mnist_lightning.errors import CheckpointError

FILE = Path(__file__).with_name("mnist.safetensors")
REJECTION = FILE.with_name("rejection.safetensors")  # the class "no digit" of the same network
CARD = FILE.with_suffix(".json")  # hashes, accuracy, temperature, command, seed and versions


def read_card() -> dict[str, Any]:
    """Read what is known of the weights."""
    return dict(json.loads(CARD.read_text(encoding="utf-8")))


def read_pretrained() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the weights by their names in ConvNet, and the arguments of ConvNet that fit them.

    Raises:
        CheckpointError: The file is missing, or not the one that was released.
    """
    from safetensors.torch import load

    content = _read(FILE, "sha256")
    length = int.from_bytes(content[:8], "little")  # of the header, in the format's first 8 bytes
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    return load(content), json.loads(metadata["network"])


def read_rejection() -> dict[str, Tensor]:
    """Read the eleventh row of the last layer, "no digit": weight (1, 128), bias (1,).

    Raises:
        CheckpointError: The file is missing, or not the one that was released.
    """
    from safetensors.torch import load

    return load(_read(REJECTION, "rejection_sha256"))


def _read(path: Path, name: str) -> bytes:
    """Read a file whose SHA-256 is the card's of this name."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}; install mnist_lightning again") from error
    if hashlib.sha256(content).hexdigest() != read_card()[name]:
        raise CheckpointError(f"{path}: wrong SHA-256; install mnist_lightning again")
    return content
