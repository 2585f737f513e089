"""The network as a file for other programs."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mnist_lightning.data.sources import MNIST
from mnist_lightning.errors import OutputError
from mnist_lightning.models.network import IMAGE_SIZE, ConvNet

INPUT = "images"
METADATA = "metadata.json"  # the file within a .pt2
RANGES = {"uint8": "0 to 255", "float32": "0 to 1"}

Run = Callable[[NDArray[Any]], NDArray[Any]]


class RawNet(nn.Module):
    """A trained network with what its data module did to the images, for evaluation.

    Args:
        net: The network; set to evaluation.
        input: Type of the images, ``uint8`` or ``float32``.
        standard: Whether they were scaled to mean 0 and standard deviation 1 in training.
        softmax: Give probabilities instead of logits.
    """

    def __init__(self, net: ConvNet, input: str, standard: bool, softmax: bool) -> None:
        super().__init__()
        self.net = net.to(memory_format=torch.contiguous_format)  # as files keep them
        self.input = input
        self.standard = standard
        self.softmax = softmax
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """Compute (B, num_classes) float of (B, 1, 28, 28) uint8, or float in [0, 1]."""
        if self.input == "uint8":
            images = images / 255
        if self.standard:
            images = (images - MNIST.mean) / MNIST.std
        logits: Tensor = self.net(images)
        return logits.softmax(dim=1) if self.softmax else logits

    @property
    def output(self) -> str:
        """What the numbers of the result are."""
        return "probabilities" if self.softmax else "logits"

    def contract(self) -> dict[str, str]:
        """What goes in and comes out, for a file's metadata."""
        classes = range(self.net.head.out_features)
        return {
            "input": INPUT,
            "input_shape": f"B, 1, {IMAGE_SIZE}, {IMAGE_SIZE}",
            "input_dtype": self.input,
            "input_range": f"{RANGES[self.input]}, bright ink on dark ground",
            "output": self.output,
            "output_shape": f"B, {len(classes)}",
            "output_dtype": "float32",
            "classes": " ".join(map(str, classes)),
        }


def to_onnx(model: RawNet, metadata: dict[str, str]) -> bytes:
    """Translate to ONNX, with metadata of the model and none of its making.

    Raises:
        OutputError: The weights are more than the format holds.
    """
    from onnx_ir.passes.common import ClearMetadataAndDocStringPass

    if sum(weight.nbytes for weight in model.parameters()) >= 2**31:
        raise OutputError("output: .onnx holds less than 2 GiB; choose .pt2 or .safetensors")
    program = torch.onnx.export(
        model,
        input_names=[INPUT],
        output_names=[model.output],
        dynamo=True,
        verbose=False,
        **_example(model),
    )
    assert program is not None
    ClearMetadataAndDocStringPass()(program.model)  # source lines, with this machine's paths
    program.model.metadata_props.update(metadata)
    return bytes(program.model_proto.SerializeToString())


def open_onnx(path: Path) -> Run:
    """Load into ONNX Runtime, on the CPU."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {INPUT: images})[0]


def to_pt2(model: RawNet, metadata: dict[str, str]) -> bytes:
    """Trace into a program for ``torch.export.load``."""
    program = torch.export.export(model, **_example(model))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # source lines, with this machine's paths
    content = io.BytesIO()
    torch.export.save(program, content, extra_files={METADATA: json.dumps(metadata)})
    return content.getvalue()


def open_pt2(path: Path) -> Run:
    """Load into PyTorch, as a program."""
    program = torch.export.load(path).module()
    return lambda images: program(torch.from_numpy(images)).numpy()


def to_safetensors(model: RawNet, metadata: dict[str, str]) -> bytes:
    """Pack the weights alone, under the names of ConvNet's."""
    from safetensors.torch import save

    mean, std = (MNIST.mean, MNIST.std) if model.standard else (0, 1)
    scale = {"input_mean": str(mean), "input_std": str(std)}
    return save(model.net.state_dict(), metadata | scale)


def open_safetensors(path: Path) -> Run:
    """Build the network that the metadata describes, and load its weights."""
    from safetensors import safe_open
    from safetensors.torch import load_file

    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    net = ConvNet(**json.loads(metadata["network"])).eval()
    net.load_state_dict(load_file(path))
    mean, std = float(metadata["input_mean"]), float(metadata["input_std"])
    return lambda images: net((torch.from_numpy(images) - mean) / std).numpy()


@dataclass(frozen=True)
class Format:
    """How files of a kind are written and run, and the packages that either needs."""

    write: Callable[[RawNet, dict[str, str]], bytes]
    open: Callable[[Path], Run]
    packages: tuple[str, ...] = ()
    weights_alone: bool = False


FORMATS = {
    ".onnx": Format(to_onnx, open_onnx, ("onnx", "onnxscript", "onnxruntime")),
    ".pt2": Format(to_pt2, open_pt2),
    ".safetensors": Format(to_safetensors, open_safetensors, ("safetensors",), True),
}


def _example(model: RawNet) -> dict[str, Any]:
    """What tracing follows: images whose number is free; two, as 1 would be taken for fixed."""
    images = torch.zeros(2, 1, IMAGE_SIZE, IMAGE_SIZE, dtype=getattr(torch, model.input))
    return {"args": (images,), "dynamic_shapes": {INPUT: {0: torch.export.Dim("batch")}}}
