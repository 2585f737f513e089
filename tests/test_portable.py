"""What a format cannot hold."""

import pytest
import torch

from mnist_lightning.network import ConvNet
from mnist_lightning.output import OutputError
from mnist_lightning.portable import RawNet, to_onnx


def test_more_than_onnx_holds_is_refused() -> None:
    with torch.device("meta"):  # no memory
        model = RawNet(ConvNet(hidden_dims=(70_000,)), "uint8", standard=False, softmax=True)
    with pytest.raises(OutputError, match="2 GiB"):
        to_onnx(model, {})
