"""The subcommand ``export``; what cannot be done is an Error, which says why."""

import json
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Literal, cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from mnist_lightning import __version__
from mnist_lightning.checkpoints.checkpoint import Checkpoint
from mnist_lightning.checkpoints.kind import find_class
from mnist_lightning.checkpoints.runs import open_network
from mnist_lightning.data.datasets import MNIST
from mnist_lightning.data.generated import render_digits
from mnist_lightning.data.source import Source, class_labels, class_names
from mnist_lightning.errors import OutputError, printable
from mnist_lightning.export.formats import FORMATS, INPUT, ExportedNet, Predict
from mnist_lightning.files import atomic_write, check_output
from mnist_lightning.models.batch import IMAGE_SIZE
from mnist_lightning.models.network import ConvNet


def export(
    *,
    output: str,
    ckpt_path: str | None = None,
    model: str | None = None,
    input: Literal["uint8", "float32"] = "uint8",
    softmax: bool = True,
    data_dir: str = "data",
) -> None:
    """Export the network to ONNX, PT2 or safetensors, and compare its predictions.

    Args:
        output: File to write: .onnx; .pt2, for torch.export.load; or .safetensors, weights alone.
        ckpt_path: Checkpoint; last or best of the newest run; or pretrained, the network that comes
            with the package. Default: the newest run on real images, or else pretrained.
        model: Import path of the checkpoint's class, where that is not MNISTClassifier.
        input: Type of the images that the file takes: uint8, 0 to 255, or float32, 0 to 1.
        softmax: The file gives probabilities; false: logits.
        data_dir: Folder of the data set, whose test images are compared; without it generated
            digits.
    """
    check_output("output", output, *FORMATS)
    file_format = FORMATS[Path(output).suffix]
    for package in file_format.packages:
        try:
            import_module(package)
        except ImportError as error:
            extra = 'pip install "mnist-lightning[onnx]"'
            raise OutputError(f"output is {output}: no {package} to import: {extra}") from error
    if file_format.weights_only:
        if (input, softmax) != ("uint8", True):
            given = f"softmax is {softmax}" if input == "uint8" else f"input is {input}"
            raise OutputError(f"{given}: {output} would hold weights alone")
        input, softmax = "float32", False
    checkpoint = open_network(ckpt_path, kind=find_class(model))
    print(checkpoint, flush=True)
    net = _network(checkpoint.module()) if checkpoint.kind else checkpoint.network()
    source = checkpoint.source(data_dir)
    if file_format.weights_only and type(net) is not ConvNet:
        raise OutputError(f"output is {output}: holds a ConvNet alone; choose .onnx or .pt2")
    exported = ExportedNet(net, input, checkpoint.scaling(), softmax)
    metadata = _metadata(exported, checkpoint)
    with atomic_write(output) as draft:
        draft.write_bytes(file_format.serialize(exported, metadata))
        source = MNIST if source.name in ("synthetic", "unknown") else source
        agreement = _compare(file_format.load(draft), exported, source, Path(data_dir))
    summary = f"{input} images in, {exported.output} out; trained on {metadata['trained_on']}"
    print(f"{printable(output)}: {summary}\n{agreement}")


def _network(module: nn.Module) -> nn.Module:
    """What computes the logits: the network, unless a class has a ``forward`` of its own."""
    from mnist_lightning.models.classifier import MNISTClassifier

    own = type(module).forward is not MNISTClassifier.forward
    return module if own else cast(MNISTClassifier, module).net


def _count_classes(model: ExportedNet) -> int:
    (images,) = model.trace_arguments()["args"]
    try:
        with torch.inference_mode():
            (_, classes) = model(images).shape
    except Exception as error:  # another's network fails in any way
        raise OutputError(
            f"the model gives no logits, (B, C), of (B, 1, 28, 28): {error}"
        ) from error
    return int(classes)


def _metadata(model: ExportedNet, checkpoint: Checkpoint) -> dict[str, str]:
    names = [name for name in signature(ConvNet).parameters if name in checkpoint.model]
    source = checkpoint.source()
    classes = class_names(source.classes, _count_classes(model))
    numbered = class_labels(classes, len(classes)) != classes
    brightest = 255 if model.input_dtype == "uint8" else 1
    return {
        "input": INPUT,
        "input_shape": f"B, 1, {IMAGE_SIZE}, {IMAGE_SIZE}",
        "input_dtype": model.input_dtype,
        "input_range": f"0 to {brightest}, bright ink on dark ground",
        "output": model.output,
        "output_shape": f"B, {len(classes)}",
        "output_dtype": "float32",
        "classes": " ".join(classes) if numbered else json.dumps(classes),
        "network": json.dumps({name: checkpoint.model[name] for name in names}),
        "trained_on": printable(source.name),
        "library": f"mnist_lightning {__version__}",
    }


def _compare(predict: Predict, model: ExportedNet, source: Source, data_dir: Path) -> str:
    title = printable(source.title)
    if source.is_present(data_dir):
        kind, (images, _) = f"{title} test images", source.read(data_dir, train=False)
    else:
        kind = f"generated digits ({title} is not in {printable(str(data_dir))})"
        images = render_digits(torch.arange(1_000) % 10, torch.Generator().manual_seed(0))[:, None]
    predicted, logits = [], []
    with torch.inference_mode():
        for batch in tqdm(torch.split(images, 256), "comparing", leave=False, disable=None):
            predicted.append(predict(batch if model.input_dtype == "uint8" else batch / 255))
            logits.append(model.net(model.scaling(batch)))
    agreement = describe_agreement(torch.cat(predicted), torch.cat(logits), model.output)
    return f"Compared on {len(images):,} {kind}: {agreement}"


def describe_agreement(predicted: Tensor, logits: Tensor, output: str) -> str:
    """Compare a file's predictions, (N, C) float32, with the network's; raise an OutputError."""
    expected = logits.softmax(dim=1) if output == "probabilities" else logits
    difference = (predicted - expected).abs().max()
    equal = int((predicted.argmax(dim=1) == logits.argmax(dim=1)).sum())
    largest = f"largest difference of the {output} {difference:.2g}"
    # ONNX Runtime's sums differ from torch's by 3e-7 of the largest logit
    if not difference <= 1e-4 * logits.abs().max():  # nor where it is NaN
        counts = f"{equal:,} of {len(logits):,} predictions equal"
        raise OutputError(f"what was written is not the checkpoint's network: {counts}, {largest}")
    ties = ", the others as good as tied" if equal < len(logits) else ""
    return f"{equal:,} predictions equal{ties}, {largest}"
