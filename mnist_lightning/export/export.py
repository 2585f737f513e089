"""The subcommand ``export``."""

import json
import sys
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from tqdm import tqdm

from mnist_lightning import __version__
from mnist_lightning.checkpoints.checkpoint import Checkpoint
from mnist_lightning.checkpoints.find import open_checkpoint
from mnist_lightning.data.datamodule import MNISTDataModule
from mnist_lightning.data.generated import render_digits
from mnist_lightning.data.sources import MNIST
from mnist_lightning.errors import OutputError, printable
from mnist_lightning.export.formats import FORMATS, Format, RawNet, Run
from mnist_lightning.files import atomic_write, check_output
from mnist_lightning.models.classifier import MNISTClassifier
from mnist_lightning.models.network import ConvNet

EXTRA = 'pip install "mnist-lightning[onnx]"'
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
    """Write the network into one file for other programs, and check that it predicts the same.

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
    form = _format(output, input, softmax)
    checkpoint = open_checkpoint(ckpt_path)
    print(f"Checkpoint: {printable(str(checkpoint.path))}", flush=True)
    classifier = checkpoint.classifier()
    data = MNISTDataModule(data_dir, "auto", normalize=checkpoint.data.get("normalize", "unit"))
    if form.weights_alone:
        input, softmax = "float32", False
    model = RawNet(classifier.net, input, data.scaling.std != 1, softmax)
    metadata = model.contract() | _origin(checkpoint)
    with atomic_write(output) as draft:
        draft.write_bytes(form.write(model, metadata))
        result = _compare(form.open(draft), model, classifier, data)
    source = metadata["trained_on"]
    print(f"{output}: {input} images in, {model.output} out; trained on {source}\n{result}")


def _format(output: str, input: str, softmax: bool) -> Format:
    """The format that a file's name asks for, once it is known that it can be written."""
    check_output("output", output, *FORMATS)
    form = FORMATS[Path(output).suffix]
    for package in form.packages:
        try:
            import_module(package)
        except ImportError as error:
            raise OutputError(f"output is {output}: no {package} to import: {EXTRA}") from error
    for name, value, default in (("input", input, "uint8"), ("softmax", softmax, True)):
        if form.weights_alone and value != default:
            raise OutputError(f"{name} is {value}: {output} would hold weights alone")
    return form


def _origin(checkpoint: Checkpoint) -> dict[str, str]:
    """The network, and where it comes from, for a file's metadata."""
    names = [name for name in signature(ConvNet).parameters if name in checkpoint.model]
    return {
        "network": json.dumps({name: checkpoint.model[name] for name in names}),
        "trained_on": str(checkpoint.data.get("source", "unknown")),
        "library": f"mnist_lightning {__version__}",
    }


def _images(data: MNISTDataModule) -> tuple[Tensor, str]:
    """Images to compare on, (N, 1, 28, 28) uint8, and what they are."""
    if data.resolve_source() == "mnist":
        images, _ = MNIST.read(data.data_dir, train=False)
        return images, "MNIST test images"
    digits = render_digits(torch.arange(GENERATED) % 10, torch.Generator().manual_seed(0))
    return digits.unsqueeze(1), f"generated digits (MNIST is not in {data.data_dir})"


def _compare(run: Run, model: RawNet, classifier: MNISTClassifier, data: MNISTDataModule) -> str:
    """Run what was written beside the classifier, fed by the data module; say how they agree.

    Raises:
        OutputError: They differ by more than the order of summing explains.
    """
    images, kind = _images(data)
    bar = tqdm(total=len(images), desc="comparing", leave=False, disable=not sys.stderr.isatty())
    given, logits = [], []
    with torch.inference_mode(), bar:
        for batch in torch.split(images, BATCH_SIZE):
            logits.append(classifier(data.scaling(batch)))
            raw = batch if model.input == "uint8" else batch / 255
            given.append(torch.from_numpy(run(raw.numpy())))
            bar.update(len(batch))
    return judge(torch.cat(given), torch.cat(logits), model.output, kind)


def judge(given: Tensor, logits: Tensor, output: str, kind: str) -> str:
    """Compare a file's results with the checkpoint's.

    Args:
        given: (N, C) float, the file's.
        logits: (N, C) float, the checkpoint's.
        output: What the file gives: ``probabilities`` or ``logits``.
        kind: What the images are.

    Raises:
        OutputError: They differ by more than the order of summing explains; predictions then
            differ only where two classes are as good as equal.
    """
    expected = logits.softmax(dim=1) if output == "probabilities" else logits
    largest = (given - expected).abs().max()
    equal = int((given.argmax(dim=1) == logits.argmax(dim=1)).sum())
    ties = ", the others as good as tied" if equal < len(logits) else ""
    if not largest <= TOLERANCE * logits.abs().max():  # nor where it is NaN
        raise OutputError(
            f"what was written is not the checkpoint's network: {equal:,} of {len(logits):,} "
            f"predictions equal, largest difference {largest:.2g}"
        )
    return (
        f"Compared on {len(logits):,} {kind}: {equal:,} predictions equal{ties}, "
        f"largest difference of the {output} {largest:.2g}"
    )
