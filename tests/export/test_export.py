"""Exported files, run by other programs than ours."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors
import torch
from conftest import refused
from numpy.typing import NDArray
from safetensors.torch import load_file
from scipy.special import softmax
from torch import Tensor
from torch.nn import functional as F

from mnist_lightning import MNISTClassifier, __version__
from mnist_lightning.__main__ import main
from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.datasets import MNIST
from mnist_lightning.data.generated import write_synthetic
from mnist_lightning.errors import OutputError
from mnist_lightning.export.export import describe_agreement
from mnist_lightning.export.formats import FORMATS, ExportedNet, Predict, to_onnx
from mnist_lightning.models.network import ConvNet

ROOT = Path(__file__).parents[2]
PIXELS = np.random.default_rng(0).integers(0, 256, (1000, 1, 28, 28), np.uint8)
NETWORKS: dict[str, dict[str, Any]] = {
    "plain": {"batch_norm": False, "dropout": 0.0},
    "accurate": {"batch_norm": True, "dropout": 0.1},  # and standardized images
}
SCALE = {"plain": (0, 1), "accurate": (0.1307, 0.3081)}
Weights = dict[str, Tensor]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint of each network; no weight, bias or running mean as it begins."""
    torch.manual_seed(0)
    paths = {name: tmp_path_factory.mktemp("runs") / f"{name}.ckpt" for name in NETWORKS}
    for name, path in paths.items():
        classifier = MNISTClassifier([2, 2], [8], **NETWORKS[name])
        for values in classifier.state_dict().values():
            values += (torch.rand(values.shape) / 20).to(values.dtype)
        normalize = "standard" if name == "accurate" else "unit"
        content = {
            "state_dict": classifier.state_dict(),
            "hyper_parameters": dict(classifier.hparams),
            "datamodule_hyper_parameters": {"source": "synthetic", "normalize": normalize},
            "pytorch-lightning_version": "2.6.6",
        }
        torch.save(content, path)
    return paths


def weights_of(checkpoint: Path) -> Weights:
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    return {name.removeprefix("net."): weight for name, weight in state.items()}


def logits(weights: Weights, images: NDArray[Any], mean: float, std: float) -> NDArray[Any]:
    """The network in float64, of images in [0, 1]: two convolutions, a pool, two Dense layers."""
    weights = {name: weight.double() for name, weight in weights.items()}

    def normed(x: Tensor, name: str) -> Tensor:
        if f"{name}.weight" not in weights:
            return x
        mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        return F.batch_norm(x, mean, variance, weights[f"{name}.weight"], weights[f"{name}.bias"])

    x = (torch.from_numpy(images).double() - mean) / std
    for i in (1, 2):
        x = F.conv2d(x, weights[f"features.conv{i}.weight"], weights.get(f"features.conv{i}.bias"))
        x = normed(x, f"features.norm{i}").relu()
    x = F.max_pool2d(x, 2).flatten(1) @ weights["features.dense1.weight"].T
    x = normed(x + weights.get("features.dense1.bias", 0), "features.dense1_norm").relu()
    result: NDArray[Any] = F.linear(x, weights["head.weight"], weights["head.bias"]).numpy()
    return result


def metadata_of(name: str, **changed: str) -> dict[str, str]:
    sizes = {"conv_channels": [2, 2], "hidden_dims": [8], "num_classes": 10}
    return {
        "input": "images",
        "input_shape": "B, 1, 28, 28",
        "input_dtype": "uint8",
        "input_range": "0 to 255, bright ink on dark ground",
        "output": "probabilities",
        "output_shape": "B, 10",
        "output_dtype": "float32",
        "classes": "0 1 2 3 4 5 6 7 8 9",
        "network": json.dumps(sizes | NETWORKS[name]),
        "trained_on": "synthetic",
        "library": f"mnist_lightning {__version__}",
        **changed,
    }


def opened(path: str) -> tuple[dict[str, str], Callable[[NDArray[Any]], NDArray[Any]]]:
    """The metadata of a file, and its network as whoever gets the file would run it."""
    if path.endswith(".onnx"):
        onnx.checker.check_model(onnx.load(path), full_check=True)
        session = onnxruntime.InferenceSession(path)
        metadata = session.get_modelmeta().custom_metadata_map
        return metadata, lambda images: session.run([metadata["output"]], {"images": images})[0]
    if path.endswith(".pt2"):
        files = {"metadata.json": ""}
        program = torch.export.load(path, extra_files=files).module()
        run = lambda images: program(torch.from_numpy(images)).detach().numpy()  # noqa: E731
        return json.loads(files["metadata.json"]), run
    with safetensors.safe_open(path, "pt") as file:
        metadata = file.metadata()
    scale = float(metadata["input_mean"]), float(metadata["input_std"])
    return metadata, lambda images: logits(load_file(path), images, *scale)


FLOATS = {"input_dtype": "float32", "input_range": "0 to 1, bright ink on dark ground"}
LOGITS = {**FLOATS, "output": "logits"}


@pytest.mark.parametrize(
    ("name", "path", "options", "changed"),
    [
        ("plain", "m.onnx", "", {}),
        ("accurate", "m.onnx", "--input float32 --softmax false", LOGITS),
        ("accurate", "m.pt2", "", {}),
        ("plain", "m.safetensors", "", LOGITS | {"input_mean": "0", "input_std": "1"}),
        ("accurate", "m.safetensors", "", LOGITS | {"input_mean": "0.1307", "input_std": "0.3081"}),
    ],
)
def test_the_file_computes_what_the_network_does(
    name: str,
    path: str,
    options: str,
    changed: dict[str, str],
    checkpoints: dict[str, Path],
    workdir: Path,
    capfd: pytest.CaptureFixture[str],  # what C++ writes is captured too
) -> None:
    checkpoint = checkpoints[name]
    main(["export", "--ckpt_path", str(checkpoint), "--output", path, *options.split()])
    out, err = capfd.readouterr()
    first, second, third = out.splitlines()
    assert (first, err) == (f"Checkpoint: {checkpoint}", "")
    assert second.startswith(f"{path}: ")
    digits = "1,000 generated digits (MNIST is not in data)"
    assert third.startswith(f"Compared on {digits}: 1,000 predictions equal, largest differ")
    assert os.listdir() == [path]
    for place in (ROOT, workdir, Path.home(), checkpoint.parent, "site-packages", ".py"):
        assert str(place).encode() not in Path(path).read_bytes()
    metadata, predict = opened(path)
    assert metadata == metadata_of(name, **changed)
    expected = logits(weights_of(checkpoint), PIXELS / 255, *SCALE[name])
    expected = expected if changed else softmax(expected, axis=1)
    images = PIXELS / np.float32(255) if changed else PIXELS
    for size in (1, 3, 1000):
        given = predict(images[:size])
        np.testing.assert_allclose(given, expected[:size], atol=1e-4 if changed else 1e-5)


def test_mnist_on_disk_is_what_is_compared(
    checkpoints: dict[str, Path], workdir: Path, mnist_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw_dir = workdir / "elsewhere" / "MNIST" / "raw"
    MNIST.prepare(workdir / "elsewhere", mnist_dir.as_uri())
    command = ["export", "--ckpt_path", str(checkpoints["plain"]), "--data_dir", "elsewhere"]
    main([*command, "--output", "model.safetensors"])
    out = capsys.readouterr().out
    assert "Compared on 10,000 MNIST test images: 10,000 predictions equal, largest" in out
    assert "there already" in refused([*command, "--output", "model.safetensors"], capsys)
    (raw_dir / "t10k-images-idx3-ubyte").write_bytes(b"")
    assert "damaged" in refused([*command, "--output", "other.pt2"], capsys)
    assert not Path("other.pt2").exists()


def test_the_snippet_of_the_docs_needs_only_onnxruntime_and_numpy(
    checkpoints: dict[str, Path], workdir: Path
) -> None:
    main(["export", "--ckpt_path", str(checkpoints["plain"]), "--output", "model.onnx"])
    raw_dir = workdir / "data" / "MNIST" / "raw"
    raw_dir.mkdir(parents=True)
    write_synthetic(raw_dir, {"train": 1, "t10k": 20})
    page = (ROOT / "docs" / "export.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert set(re.findall(r"import (\w+)", snippet)) == {"numpy", "onnxruntime"}
    absent = ("torch", "lightning", "mnist_lightning", "onnx", "onnxscript")
    block = f"import sys; sys.modules.update(dict.fromkeys({absent}))\n"
    printed = subprocess.check_output([sys.executable, "-c", block + snippet], text=True)
    pixels = np.frombuffer((raw_dir / "t10k-images-idx3-ubyte").read_bytes()[16:], np.uint8)
    images = pixels.reshape(-1, 1, 28, 28)[:10] / 255
    digits = logits(weights_of(checkpoints["plain"]), images, 0, 1)
    assert printed.strip() == str(digits.argmax(axis=1))


def test_without_the_extra_one_line_says_what_to_install(
    workdir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for suffix, file_format in FORMATS.items():
        for package in file_format.packages:
            with monkeypatch.context() as patch:
                patch.setitem(sys.modules, package, None)
                error = refused(["export", "--output", f"m{suffix}"], capsys)
            assert f'no {package} to import: pip install "mnist-lightning[onnx]"' in error


@pytest.mark.parametrize("change", [lambda x: x + 1e-2, lambda x: x * float("nan")])
def test_a_file_that_gives_something_else_does_not_stay(
    change: Callable[[torch.Tensor], torch.Tensor],
    checkpoints: dict[str, Path],
    workdir: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load(path: Path) -> Predict:
        predict = safetensors_format.load(path)
        return lambda images: change(predict(images))

    safetensors_format = FORMATS[".safetensors"]
    monkeypatch.setitem(FORMATS, ".safetensors", safetensors_format._replace(load=load))
    command = ["export", "--ckpt_path", str(checkpoints["plain"]), "--output", "m.safetensors"]
    assert "not the checkpoint's network" in refused(command, capsys)
    assert not os.listdir()


def test_predictions_may_differ_where_classes_are_tied() -> None:
    theirs = torch.tensor([[9.0, 0.0], [1.0, 1.00001]])
    ours = torch.tensor([[9.0, 0.0], [1.00001, 1.0]])
    agreement = describe_agreement(theirs, ours, "logits")
    assert agreement.startswith("1 predictions equal, the others as good as tied, largest")
    with pytest.raises(OutputError, match="1 of 2 predictions equal"):
        describe_agreement(theirs.flip(1), ours, "logits")


def test_more_than_onnx_holds_is_refused() -> None:
    with torch.device("meta"):  # no memory
        model = ExportedNet(ConvNet(hidden_dims=(70_000,)), "uint8", Scaling(), softmax=True)
    with pytest.raises(OutputError, match="2 GiB"):
        to_onnx(model, {})
