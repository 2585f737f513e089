"""Weights in and out of Keras, through the command line."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from conftest import NO_FIGURES, TINY_DATA, refused
from keras_original import keras, original
from scipy.special import softmax

from mnist_lightning import MNISTClassifier
from mnist_lightning.__main__ import main

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")

SIZES = ((2, 3), (8,))
IMAGES = np.random.default_rng(0).uniform(size=(20, 28, 28, 1)).astype("float32")
PATHS = ["m.keras", "m.h5", "m.weights.h5"]
IMPORT = ["import-keras", "m.keras", "out.ckpt"]


def ours(checkpoint: str) -> Any:
    model = MNISTClassifier.load_from_checkpoint(checkpoint).eval()
    with torch.no_grad():
        return model(torch.from_numpy(IMAGES).permute(0, 3, 1, 2)).softmax(1).numpy()


def save(model: Any, path: str = "m.keras") -> str:
    (model.save_weights if path.endswith(".weights.h5") else model.save)(path)
    return path


def predict(model: Any) -> Any:
    return model.predict(IMAGES, verbose=0)


def variant(
    kernel: int = 3, pool: str = "MaxPooling2D", hidden: str = "relu", last: str = "softmax"
) -> Any:
    """A network of our kind, or nearly so; the names are not in the order of the alphabet."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(2, 3, activation="relu", name="b"),
            layers.Conv2D(2, kernel, activation="relu", name="a"),
            getattr(layers, pool)(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation=hidden, name="z"),
            layers.Dense(10, activation="relu", name="y"),
            layers.Dense(10, activation=last, name="x"),
        ]
    )


def normalised(
    *after: str, bias: bool = False, epsilon: float = 1e-5, first: str = "linear"
) -> Any:
    """A network with batch normalisation, and these layers after that of the last convolution."""
    layers = keras.layers
    choices = {
        "relu": lambda: layers.Activation("relu"),
        "ReLU": lambda: layers.ReLU(),
        "ReLU6": lambda: layers.ReLU(6),
        "pool": lambda: layers.MaxPooling2D(2),
        "drop": lambda: layers.Dropout(0.3),
    }
    norm = {"epsilon": epsilon}
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(3, 3, use_bias=bias, activation=first),
            layers.BatchNormalization(**norm),
            layers.ReLU(),
            layers.Conv2D(4, 3, use_bias=bias),
            layers.BatchNormalization(**norm),
            *(choices[each]() for each in after),
            layers.Flatten(),
            layers.Dense(8, use_bias=bias),
            layers.BatchNormalization(**norm),
            layers.Activation("relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    random = np.random.default_rng(1)  # scales below 0 too, which tell the pool's place
    for weight in network.weights:
        variance = weight.name == "moving_variance"
        weight.assign(
            random.uniform(0.5, 2, weight.shape)
            if variance
            else random.normal(0, 0.5, weight.shape)
        )
    return network


@pytest.mark.parametrize("gives", ["probabilities", "logits"])
@pytest.mark.parametrize("path", PATHS)
def test_imported_model_predicts_what_keras_does(path: str, gives: str, workdir: Path) -> None:
    theirs = original(*SIZES) if gives == "probabilities" else variant(last="linear")
    theirs.compile("adam", "mse", metrics=["accuracy"])
    theirs.fit(IMAGES, np.eye(10)[np.arange(20) % 10], verbose=0)  # the optimizer must not disturb
    main(["import-keras", save(theirs, path), "out.ckpt"])
    expected = predict(theirs) if gives == "probabilities" else softmax(predict(theirs), axis=1)
    np.testing.assert_allclose(ours("out.ckpt"), expected, rtol=1e-5)
    torch.load("out.ckpt", weights_only=True)


def test_imported_model_is_tested_and_exported(workdir: Path) -> None:
    save(original(*SIZES))
    main(IMPORT)
    for subcommand in ("test", "predict"):
        main([subcommand, "--ckpt_path", "out.ckpt", *TINY_DATA, *NO_FIGURES])
    main(["export-keras", "out.ckpt", "out.keras"])
    predicted = predict(keras.saving.load_model("out.keras"))
    np.testing.assert_allclose(predicted, ours("out.ckpt"), rtol=1e-5)
    assert sorted(p.name for p in workdir.glob("*.keras")) == ["m.keras", "out.keras"]


def test_weights_of_another_network_are_refused(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shape = "shape of a weight is (5, 5, 2, 2), must be (3, 3, 2, 2)"
    for model, reason in (
        (original((), (8,)), "conv_channels"),
        (original((2,), ()), "hidden_dims"),
        (variant(kernel=5), shape),
        (normalised("relu", "pool"), "batch normalisation has an epsilon"),
    ):
        path = save(model, f"{reason[:5]}.weights.h5")
        assert reason in refused(["import-keras", path, "out.ckpt"], capsys)


def rewritten(**files: bytes) -> None:
    """Save m.keras with other files in it, by names without their endings."""
    save(original(*SIZES))
    with zipfile.ZipFile("m.keras") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile("m.keras", "w") as archive:
        for name, data in content.items():
            archive.writestr(name, files.get(name.partition(".")[0], data))


def layers(change: Callable[[list[Any]], object]) -> Callable[[], None]:
    def make() -> None:
        config = json.loads(zipfile.ZipFile(save(original(*SIZES))).read("config.json"))
        change(config["config"]["layers"])
        rewritten(config=json.dumps(config).encode())

    return make


def units(value: object) -> Callable[[], None]:
    return layers(lambda found: found[-2]["config"].update(units=value))


def weights(change: Callable[[h5py.File], object]) -> Callable[[], None]:
    def make() -> None:
        content = io.BytesIO(zipfile.ZipFile(save(original(*SIZES))).read("model.weights.h5"))
        with h5py.File(content, "r+") as file:
            change(file)
        rewritten(model=content.getvalue())

    return make


def link(file: h5py.File) -> None:
    file.pop("layers/dense")
    file["layers/dense"] = h5py.ExternalLink("m.weights.h5", "/layers/dense")


def inflated() -> None:
    with zipfile.ZipFile("m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(10**6))


LAMBDA = {"class_name": "exec", "module": "builtins", "config": {"function": "open('it', 'w')"}}
ZEROS = {"data": np.zeros((999, 99)), "compression": "gzip"}
LARGER = "d/0 is larger than what is stored"
NAN = np.full(8, np.nan)
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "kernel": (lambda: save(variant(5)), "layer 2, Conv2D: kernel_size is [5, 5], must be [3, 3]"),
    "pool": (
        lambda: save(variant(pool="AveragePooling2D")),
        "layer 3 is AveragePooling2D, must be MaxPooling2D",
    ),
    "tanh": (
        lambda: save(variant(hidden="tanh")),
        "layer 5, Dense: activation is tanh, must be relu",
    ),
    "function": (layers(lambda found: found.insert(2, LAMBDA)), "layer 2 is exec, must be Conv2D"),
    "more than is stored": (units(10**8), "layer 5, Dense: units is 100000000, must be 8"),
    "text": (units("x"), "units is x, must be 8"),
    "a float": (units(8.0), "units is 8.0, must be 8"),
    "nothing": (units(None), "units is None, must be 8"),
    "no layers": (layers(lambda found: found.clear()), "layer 1 is missing, must be Conv2D"),
    "no class": (layers(lambda found: found[1].clear()), "damaged or not a Keras model"),
    "deep": (
        lambda: rewritten(config=b"[" * 200_000),
        "damaged or not a Keras model (maximum recursion",
    ),
    "inflated": (inflated, "larger than what is stored"),
    "never filled": (weights(lambda file: file.create_dataset("d/0", (9**9,), "f4")), LARGER),
    "compressed": (weights(lambda file: file.create_dataset("d/0", **ZEROS)), LARGER),
    "another file": (
        weights(lambda file: file.create_dataset("d/0", (9, 9), "f4", external="m.keras")),
        LARGER,
    ),
    "a link": (weights(link), "hidden_dims is []"),
    "NaN": (weights(lambda file: file["layers/dense/vars/1"].write_direct(NAN)), "not finite"),
    "bias less": (weights(lambda file: file.pop("layers/conv2d/vars/1")), "the shape of a weight"),
    "no weights": (weights(lambda file: file.pop("layers")), "conv_channels is []"),
    "ReLU before": (
        lambda: save(normalised("pool", first="relu")),
        "layer 1, Conv2D: activation is relu, must be linear",
    ),
    "no ReLU": (lambda: save(normalised("pool")), "layer 6 is MaxPooling2D, must be Activation"),
    "ReLU6": (lambda: save(normalised("ReLU6", "pool")), "layer 6 is ReLU, must be Activation"),
    "epsilon": (lambda: save(normalised("relu", "pool", epsilon=2.0)), "epsilon is 2.0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_our_network_is_refused_and_not_executed(
    case: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make, reason = REFUSED[case]
    make()
    assert reason in refused(IMPORT, capsys)
    assert [path.name for path in workdir.iterdir()] == ["m.keras"]


@pytest.mark.parametrize("path", PATHS)
def test_a_file_that_is_no_model_is_refused(
    path: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = Path(save(original(*SIZES), path)).read_bytes()
    for content in (b"", b"no model", whole[:-200]):
        Path(path).write_bytes(content)
        assert path in refused(["import-keras", path, "out.ckpt"], capsys)
    Path(path).unlink()
    assert "no such file" in refused(["import-keras", path, "out.ckpt"], capsys)
    assert not list(workdir.iterdir())


def test_outputs_are_checked_before_work(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(original(*SIZES))
    assert "must end with .ckpt" in refused(["import-keras", "m.keras", "out.pt"], capsys)
    assert "no such folder" in refused(["import-keras", "m.keras", "no/out.ckpt"], capsys)
    main(IMPORT)
    assert "there already" in refused(IMPORT, capsys)
    assert "there already" in refused(["export-keras", "out.ckpt", "m.keras"], capsys)
    assert "weights alone" in refused(["fit", "--ckpt_path", "out.ckpt"], capsys)


@pytest.mark.parametrize(
    ("path", "after", "options"),
    [
        ("m.keras", ("relu", "pool"), {}),
        ("m.h5", ("ReLU", "drop", "pool"), {}),
        ("m.keras", ("pool", "ReLU"), {}),
        ("m.h5", ("ReLU", "pool"), {"bias": True, "epsilon": 1e-3}),
        ("m.keras", ("relu", "pool"), {"bias": True, "epsilon": 1e-3}),
    ],
)
def test_batch_normalisation_is_imported(
    path: str, after: tuple[str, ...], options: dict[str, Any], workdir: Path
) -> None:
    theirs = normalised(*after, **options)
    main(["import-keras", save(theirs, path), "out.ckpt"])
    np.testing.assert_allclose(ours("out.ckpt"), predict(theirs), rtol=1e-4)


def test_batch_normalisation_and_dropout_come_back_from_keras(workdir: Path) -> None:
    save(normalised("relu", "pool"))
    main(IMPORT)
    content = torch.load("out.ckpt", weights_only=True)
    content["hyper_parameters"]["dropout"] = 0.25
    torch.save(content, "in.ckpt")
    main(["export-keras", "in.ckpt", "out.keras"])
    exported = keras.saving.load_model("out.keras")
    np.testing.assert_allclose(predict(exported), ours("in.ckpt"), rtol=1e-4)
    rates = [layer.rate for layer in exported.layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.25, 0.25]
    moved = {x.momentum for x in exported.layers if isinstance(x, keras.layers.BatchNormalization)}
    assert moved == {0.9}  # 1 less torch's 0.1
    main(["import-keras", "out.keras", "back.ckpt"])
    back = torch.load("back.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(weight, back[name]) for name, weight in content["state_dict"].items())


@pytest.mark.parametrize(
    ("package", "command"), [("h5py", IMPORT), ("keras", ["export-keras", "in.ckpt", "m.keras"])]
)
def test_without_the_extra_one_line_says_what_to_install(
    package: str,
    command: list[str],
    workdir: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert 'pip install "mnist-lightning[keras]"' in refused(command, capsys)
