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
from conftest import TINY_DATA, refused
from keras_original import keras, original

from mnist_lightning import MNISTClassifier
from mnist_lightning.__main__ import main

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")

SIZES = ((2, 3), (8,))
IMAGES = np.random.default_rng(0).uniform(size=(20, 28, 28, 1)).astype("float32")
PATHS = ["m.keras", "m.h5", "m.weights.h5"]
IMPORT = ["import-keras", "m.keras", "out.ckpt"]


def ours(checkpoint: str) -> Any:
    model = MNISTClassifier.load_from_checkpoint(checkpoint)
    with torch.no_grad():
        return model(torch.from_numpy(IMAGES).permute(0, 3, 1, 2)).softmax(1).numpy()


def save(model: Any, path: str) -> str:
    (model.save_weights if path.endswith(".weights.h5") else model.save)(path)
    return path


def predict(model: Any) -> Any:
    return model.predict(IMAGES, verbose=0)


@pytest.mark.parametrize("path", PATHS)
def test_imported_model_predicts_what_keras_does(path: str, workdir: Path) -> None:
    theirs = original(*SIZES)
    theirs.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    theirs.fit(IMAGES, np.arange(20) % 10, verbose=0)  # the optimizer's state must not disturb
    main(["import-keras", save(theirs, path), "out.ckpt"])
    np.testing.assert_allclose(ours("out.ckpt"), predict(theirs), rtol=1e-5)
    torch.load("out.ckpt", weights_only=True)


def test_imported_model_is_tested_and_exported(workdir: Path) -> None:
    save(original(*SIZES), "m.keras")
    main(IMPORT)
    for subcommand in ("test", "predict"):
        main([subcommand, "--ckpt_path", "out.ckpt", *TINY_DATA])
    main(["export-keras", "out.ckpt", "out.keras"])
    predicted = predict(keras.saving.load_model("out.keras"))
    np.testing.assert_allclose(predicted, ours("out.ckpt"), rtol=1e-5)
    assert sorted(p.name for p in workdir.glob("*.keras")) == ["m.keras", "out.keras"]


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


@pytest.mark.parametrize("path", PATHS)
def test_dropout_names_and_logits_make_no_difference(path: str, workdir: Path) -> None:
    model = variant(last="linear")
    main(["import-keras", save(model, path), "out.ckpt"])
    probabilities = torch.from_numpy(predict(model)).softmax(1)
    np.testing.assert_allclose(ours("out.ckpt"), probabilities, rtol=1e-5)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"kernel": 5}, "layer 2, Conv2D: kernel_size is [5, 5], must be [3, 3]"),
        ({"pool": "AveragePooling2D"}, "layer 3 is AveragePooling2D, must be MaxPooling2D"),
        ({"hidden": "tanh"}, "layer 5, Dense: activation is tanh, must be relu"),
    ],
)
def test_another_network_is_refused_by_its_first_other_layer(
    changed: dict[str, Any], reason: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(variant(**changed), "m.keras")
    assert reason in refused(IMPORT, capsys)
    assert not Path("out.ckpt").exists()


def test_a_network_without_our_layers_is_refused(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for sizes, name in (((), (8,)), "conv_channels"), (((2,), ()), "hidden_dims"):
        Path("m.weights.h5").unlink(missing_ok=True)
        path = save(original(*sizes), "m.weights.h5")
        assert name in refused(["import-keras", path, "out.ckpt"], capsys)
    path = save(variant(kernel=5), "n.weights.h5")
    error = refused(["import-keras", path, "out.ckpt"], capsys)
    assert "shape of a weight is (5, 5, 2, 2), must be (3, 3, 2, 2)" in error


def rewritten(**files: bytes) -> None:
    """Put other files into m.keras, by names without their endings."""
    with zipfile.ZipFile("m.keras") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile("m.keras", "w") as archive:
        for name, data in content.items():
            archive.writestr(name, files.get(name.partition(".")[0], data))


LAMBDA = {"class_name": "exec", "module": "builtins", "config": {"function": "open('it', 'w')"}}


def units(value: object) -> Callable[[list[Any]], object]:
    return lambda layers: layers[-2]["config"].update(units=value)


CONFIGS: dict[str, tuple[Callable[[list[Any]], object], str]] = {
    "a function": (lambda layers: layers.insert(2, LAMBDA), "layer 2 is exec, must be Conv2D"),
    "more than is stored": (units(10**8), "layer 5, Dense: units is 100000000, must be 8"),
    "text": (units("x"), "units is x, must be 8"),
    "a float": (units(8.0), "units is 8.0, must be 8"),
    "nothing": (units(None), "units is None, must be 8"),
    "no layers": (lambda layers: layers.clear(), "layer 1 is missing, must be Conv2D"),
    "no class": (lambda layers: layers[1].clear(), "damaged or not a Keras model"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_configuration_is_data_and_no_more_than_what_is_stored(
    case: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, reason = CONFIGS[case]
    save(original(*SIZES), "m.keras")
    config = json.loads(zipfile.ZipFile("m.keras").read("config.json"))
    change(config["config"]["layers"])
    rewritten(config=json.dumps(config).encode())
    assert reason in refused(IMPORT, capsys)
    assert [path.name for path in workdir.iterdir()] == ["m.keras"]
    rewritten(config=b"[" * 200_000)
    assert "damaged or not a Keras model (maximum recursion" in refused(IMPORT, capsys)


def link(file: h5py.File) -> None:
    file.pop("layers/dense")
    file["layers/dense"] = h5py.ExternalLink("m.weights.h5", "/layers/dense")


LARGER = "d/0 is larger than what is stored"
HDF5: dict[str, tuple[Callable[[h5py.File], object], str]] = {
    "never filled": (lambda file: file.create_dataset("d/0", (10**5, 10**5), "f4"), LARGER),
    "compressed": (
        lambda file: file.create_dataset("d/0", data=np.zeros((999, 99)), compression="gzip"),
        LARGER,
    ),
    "another file": (
        lambda file: file.create_dataset("d/0", (9, 9), "f4", external="m.keras"),
        LARGER,
    ),
    "a link": (link, "layer 5, Dense: units is 8, must be 10"),
    "NaN": (
        lambda file: file["layers/dense/vars/1"].write_direct(np.full(8, np.nan)),
        "not finite",
    ),
    "a weight less": (lambda file: file.pop("layers/conv2d/vars/1"), "the shape of a weight is"),
    "no weights": (lambda file: file.pop("layers"), "layer 1 is Conv2D"),
}


@pytest.mark.parametrize("case", HDF5)
def test_weights_are_all_there_and_finite(
    case: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, reason = HDF5[case]
    save(original(*SIZES), "m.keras")
    content = io.BytesIO(zipfile.ZipFile("m.keras").read("model.weights.h5"))
    with h5py.File(content, "r+") as file:
        change(file)
    rewritten(model=content.getvalue())
    assert reason in refused(IMPORT, capsys)
    assert [path.name for path in workdir.iterdir()] == ["m.keras"]


def test_no_more_is_unpacked_than_is_stored(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile("m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(10**6))
    assert "larger than what is stored" in refused(IMPORT, capsys)


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
    save(original(*SIZES), "m.keras")
    assert "must end with .ckpt" in refused(["import-keras", "m.keras", "out.pt"], capsys)
    assert "no such folder" in refused(["import-keras", "m.keras", "no/out.ckpt"], capsys)
    main(IMPORT)
    assert "there already" in refused(IMPORT, capsys)
    assert "there already" in refused(["export-keras", "out.ckpt", "m.keras"], capsys)
    assert "weights alone" in refused(["fit", "--ckpt_path", "out.ckpt"], capsys)


def test_a_network_that_keras_would_not_compute_is_refused(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classifier = MNISTClassifier(*SIZES, batch_norm=True)
    content = {
        "state_dict": classifier.state_dict(),
        "hyper_parameters": dict(classifier.hparams),
        "pytorch-lightning_version": "2.6.6",
    }
    torch.save(content, "in.ckpt")
    assert "batch_norm" in refused(["export-keras", "in.ckpt", "out.keras"], capsys)
    assert not Path("out.keras").exists()


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
