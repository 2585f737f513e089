"""The subcommand ``export``."""

import json
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from tqdm import tqdm

from mnist_lightning import __version__
from mnist_lightning.checkpoints.checkpoint import Checkpoint
from mnist_lightning.checkpoints.runs import open_checkpoint
from mnist_lightning.data.datamodule import MNISTDataModule
from mnist_lightning.data.generated import render_digits
from mnist_lightning.data.sources import MNIST
from mnist_lightning.errors import OutputError, printable
from mnist_lightning.export.formats import FORMATS, INPUT, ExportedNet, Format, Predict
from mnist_lightning.files import atomic_write, check_output
from mnist_lightning.models.network import IMAGE_SIZE, ConvNet

EXTRA = 'pip install "mnist-lightning[onnx]"'
RANGES = {"uint8": "0 to 255", "float32": "0 to 1"}
BATCH_SIZE = 256
GENERATED = 1_000  # images, where MNIST is not on disk
TOLERANCE = 1e-4  # of the largest logit; ONNX Runtime's sums differ from torch's by 3e-7


def export(
    *,
    output: str,
    ckpt_path: str | None = None,
    input: Literal["uint8", "float32"] = "uint8",
    softmax: bool = True,
    data_dir: str = "data",
) -> None:
    """Export the network to ONNX, PT2 or safetensors, and compare its predictions.

    Args:
        output: File to write: .onnx; .pt2, for torch.export.load; or .safetensors, weights alone.
        ckpt_path: Checkpoint, or last or best of the newest run; default: that run's best, if it
            has one, else its last.
        input: Type of the images that the file takes: uint8, 0 to 255, or float32, 0 to 1.
        softmax: The file gives probabilities; false: logits.
        data_dir: Folder of MNIST, whose test images are compared; without it generated digits.

    Raises:
        OutputError: The file cannot be written, a package is missing, or what was written differs
            from the checkpoint.
        CheckpointError: There is no checkpoint, or none that is sound.
        DataError: MNIST's files are damaged.
    """
    file_format = _find_format(output, input, softmax)
    checkpoint = open_checkpoint(ckpt_path)
    print(f"Checkpoint: {printable(str(checkpoint.path))}", flush=True)
    if file_format.weights_only:
        input, softmax = "float32", False
    scaling = checkpoint.data_module().scaling
    model = ExportedNet(checkpoint.classifier().net, input, scaling, softmax)
    metadata = _metadata(model, checkpoint)
    with atomic_write(output) as draft:
        draft.write_bytes(file_format.serialize(model, metadata))
        agreement = _compare(file_format.load(draft), model, MNISTDataModule(data_dir, "auto"))
    summary = f"{input} images in, {model.output} out; trained on {metadata['trained_on']}"
    print(f"{printable(output)}: {summary}\n{agreement}")


def _find_format(output: str, input: str, softmax: bool) -> Format:
    """Choose the format by the file's suffix, once it is known that it can be written."""
    check_output("output", output, *FORMATS)
    file_format = FORMATS[Path(output).suffix]
    for package in file_format.packages:
        try:
            import_module(package)
        except ImportError as error:
            raise OutputError(f"output is {output}: no {package} to import: {EXTRA}") from error
    for name, value, default in (("input", input, "uint8"), ("softmax", softmax, True)):
        if file_format.weights_only and value != default:
            raise OutputError(f"{name} is {value}: {output} would hold weights alone")
    return file_format


def _metadata(model: ExportedNet, checkpoint: Checkpoint) -> dict[str, str]:
    """Describe input, output and origin of a network."""
    names = [name for name in signature(ConvNet).parameters if name in checkpoint.model]
    classes = range(model.net.head.out_features)
    return {
        "input": INPUT,
        "input_shape": f"B, 1, {IMAGE_SIZE}, {IMAGE_SIZE}",
        "input_dtype": model.input_dtype,
        "input_range": f"{RANGES[model.input_dtype]}, bright ink on dark ground",
        "output": model.output,
        "output_shape": f"B, {len(classes)}",
        "output_dtype": "float32",
        "classes": " ".join(map(str, classes)),
        "network": json.dumps({name: checkpoint.model[name] for name in names}),
        "trained_on": printable(str(checkpoint.data.get("source", "unknown"))),
        "library": f"mnist_lightning {__version__}",
    }


def _compare(predict: Predict, model: ExportedNet, data: MNISTDataModule) -> str:
    """Predict images by the written file and by the network; describe how they agree."""
    kind = "MNIST test images"
    if data.resolve_source() == "mnist":
        images, _ = MNIST.read(data.data_dir, train=False)
    else:
        kind = f"generated digits (MNIST is not in {printable(str(data.data_dir))})"
        labels, generator = torch.arange(GENERATED) % 10, torch.Generator().manual_seed(0)
        images = render_digits(labels, generator).unsqueeze(1)
    predicted, logits = [], []
    with torch.inference_mode():
        batches = torch.split(images, BATCH_SIZE)
        for batch in tqdm(batches, "comparing", leave=False, disable=None):
            predicted.append(predict(batch if model.input_dtype == "uint8" else batch / 255))
            logits.append(model.net(model.scaling(batch)))
    agreement = describe_agreement(torch.cat(predicted), torch.cat(logits), model.output)
    return f"Compared on {len(images):,} {kind}: {agreement}"


def describe_agreement(predicted: Tensor, logits: Tensor, output: str) -> str:
    """Count equal predictions of a file, (N, C) float32, and of the network's logits, (N, C).

    Raises:
        OutputError: They differ by more than the order of summing explains; predictions then
            differ only where two classes are as good as equal.
    """
    expected = logits.softmax(dim=1) if output == "probabilities" else logits
    difference = (predicted - expected).abs().max()
    equal = int((predicted.argmax(dim=1) == logits.argmax(dim=1)).sum())
    largest = f"largest difference of the {output} {difference:.2g}"
    if not difference <= TOLERANCE * logits.abs().max():  # nor where it is NaN
        counts = f"{equal:,} of {len(logits):,} predictions equal"
        raise OutputError(f"what was written is not the checkpoint's network: {counts}, {largest}")
    ties = ", the others as good as tied" if equal < len(logits) else ""
    return f"{equal:,} predictions equal{ties}, {largest}"
