"""File formats of an exported network: ONNX, PT2 and safetensors."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mnist_lightning.data.dataset import Scaling
from mnist_lightning.errors import OutputError
from mnist_lightning.models.batch import IMAGE_SIZE
from mnist_lightning.models.network import ConvNet

INPUT = "images"
Predict = Callable[[Tensor], Tensor]  # (B, 1, 28, 28) to (B, num_classes) float32


class ExportedNet(nn.Module):
    """A trained network with its preprocessing and softmax, in evaluation mode."""

    def __init__(self, net: nn.Module, input_dtype: str, scaling: Scaling, softmax: bool) -> None:
        super().__init__()
        self.net = net
        self.scaling = scaling
        self.input_dtype = input_dtype
        self.output = "probabilities" if softmax else "logits"
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Compute (B, num_classes) float32 of (B, 1, 28, 28) uint8, or float32 in [0, 1]."""
        scale = self.scaling if self.input_dtype == "uint8" else self.scaling.standardize
        logits: Tensor = self.net(scale(images))
        return logits.softmax(dim=1) if self.output == "probabilities" else logits

    def trace_arguments(self) -> dict[str, Any]:
        """Example images and their free batch size; two, as 1 would be taken for fixed."""
        images = torch.zeros(2, 1, IMAGE_SIZE, IMAGE_SIZE, dtype=getattr(torch, self.input_dtype))
        return {"args": (images,), "dynamic_shapes": {INPUT: {0: torch.export.Dim("batch")}}}


def to_onnx(model: ExportedNet, metadata: dict[str, str]) -> bytes:
    """Export to ONNX, without the names of source files that torch adds."""
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    if sum(weight.nbytes for weight in model.parameters()) >= 2**31:
        raise OutputError("output: .onnx holds less than 2 GiB; choose .pt2 or .safetensors")
    options = model.trace_arguments() | {"input_names": [INPUT], "output_names": [model.output]}
    program: Any = torch.onnx.export(model, **options, dynamo=True, verbose=False)
    ClearMetadataAndDocStringPass()(program.model)
    program.model.metadata_props.update(metadata)
    return bytes(program.model_proto.SerializeToString())


def _load_onnx(path: Path) -> Predict:
    import onnxruntime

    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {INPUT: images.numpy()})[0])


def _to_pt2(model: ExportedNet, metadata: dict[str, str]) -> bytes:
    """Export to a program for ``torch.export.load``, without the names of source files."""
    program = torch.export.export(model, **model.trace_arguments())
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    content = io.BytesIO()
    torch.export.save(program, content, extra_files={"metadata.json": json.dumps(metadata)})
    return content.getvalue()


def _to_safetensors(model: ExportedNet, metadata: dict[str, str]) -> bytes:
    from safetensors.torch import save

    mean, std = f"{model.scaling.mean:.9g}", f"{model.scaling.std:.9g}"
    return save(model.net.state_dict(), metadata | {"input_mean": mean, "input_std": std})


def load_safetensors(path: Path) -> Predict:
    """Build the network that the metadata describes, and load its weights."""
    from safetensors import safe_open
    from safetensors.torch import load_file

    metadata = safe_open(path, "pt").metadata()  # type: ignore[no-untyped-call]
    net = ConvNet(**json.loads(metadata["network"]))
    net.load_state_dict(load_file(path))
    scaling = Scaling(float(metadata["input_mean"]), float(metadata["input_std"]))
    return ExportedNet(net, "float32", scaling, softmax=False)


class Format(NamedTuple):
    """A file format: how a network is written and read back, and the packages for both."""

    serialize: Callable[[ExportedNet, dict[str, str]], bytes]
    load: Callable[[Path], Predict]
    packages: tuple[str, ...] = ()
    weights_only: bool = False  # without preprocessing and softmax


FORMATS = {
    ".onnx": Format(to_onnx, _load_onnx, ("onnx", "onnxscript", "onnxruntime")),
    ".pt2": Format(_to_pt2, lambda path: torch.export.load(path).module()),
    ".safetensors": Format(_to_safetensors, load_safetensors, ("safetensors",), weights_only=True),
}
