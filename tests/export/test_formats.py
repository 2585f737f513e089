"""What a format cannot hold."""

import pytest
import torch

from mnist_lightning.errors import OutputError
from mnist_lightning.export.formats import RawNet, to_onnx
from mnist_lightning.models.network import ConvNet


def test_more_than_onnx_holds_is_refused() -> None:
    with torch.device("meta"):  # no memory
        model = RawNet(ConvNet(hidden_dims=(70_000,)), "uint8", standard=False, softmax=True)
    with pytest.raises(OutputError, match="2 GiB"):
        to_onnx(model, {})
