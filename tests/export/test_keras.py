"""Weights in and out of Keras, through the command line."""

import json
import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TINY, TINY_DATA, refused
from keras_original import keras, original

from mnist_lightning import MNISTClassifier
from mnist_lightning.__main__ import main

SIZES = ((2, 3), (8,))
IMAGES = np.random.default_rng(0).uniform(size=(20, 28, 28, 1)).astype("float32")


def ours(checkpoint: str) -> Any:
    model = MNISTClassifier.load_from_checkpoint(checkpoint)
    with torch.no_grad():
        return model(torch.from_numpy(IMAGES).permute(0, 3, 1, 2)).softmax(1).numpy()


def save(model: Any, path: str) -> str:
    """Save as the ending asks for; the optimiser's state too, which must not disturb."""
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(IMAGES, np.arange(20) % 10, verbose=0)
    (model.save_weights if path.endswith(".weights.h5") else model.save)(path)
    return path


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("path", ["m.keras", "m.h5", "m.weights.h5"])
def test_imported_model_predicts_what_keras_does(path: str, workdir: Path) -> None:
    theirs = original(*SIZES)
    main(["import-keras", save(theirs, path), "out.ckpt"])
    expected = theirs.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(ours("out.ckpt"), expected, rtol=1e-5)
    torch.load("out.ckpt", weights_only=True)
    for subcommand in ("test", "predict"):
        main([subcommand, "--ckpt_path", "out.ckpt", *TINY_DATA])


def test_exported_model_predicts_what_we_do(workdir: Path) -> None:
    main(["import-keras", save(original(*SIZES), "m.keras"), "in.ckpt"])
    main(["export-keras", "in.ckpt", "out.keras"])
    predicted = keras.saving.load_model("out.keras").predict(IMAGES, verbose=0)
    np.testing.assert_allclose(predicted, ours("in.ckpt"), rtol=1e-5)
    assert sorted(p.name for p in workdir.glob("*.keras")) == ["m.keras", "out.keras"]


def test_a_model_that_ends_with_logits_is_taken(workdir: Path) -> None:
    model = original(*SIZES)
    model.layers[-1].activation = keras.activations.linear
    model.save("m.keras")
    main(["import-keras", "m.keras", "out.ckpt"])
    logits = torch.from_numpy(model.predict(IMAGES, verbose=0))
    np.testing.assert_allclose(ours("out.ckpt"), logits.softmax(1), rtol=1e-5)


def other(*changed: Any) -> Any:
    """A network of our kind, with other layers in the middle."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            *changed,
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "kernel": (
        lambda: other(
            keras.layers.Conv2D(3, 5, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="relu"),
        ),
        r"layer 2, Conv2D: kernel_size is \[5, 5\], must be \[3, 3\]",
    ),
    "pool": (
        lambda: other(
            keras.layers.AveragePooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="relu"),
        ),
        "layer 2 is AveragePooling2D, must be MaxPooling2D",
    ),
    "activation": (
        lambda: other(
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(4, activation="tanh"),
        ),
        "layer 4, Dense: activation is tanh, must be relu",
    ),
    "no hidden layer": (lambda: other(keras.layers.MaxPooling2D(2)), "hidden_dims"),
    "no convolution": (
        lambda: keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(9),
                keras.layers.Dense(10),
            ]
        ),
        "conv_channels",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_another_network_is_refused_by_its_first_other_layer(
    case: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build, reason = CASES[case]
    build().save("m.keras")
    assert re.search(reason, refused(["import-keras", "m.keras", "out.ckpt"], capsys))
    assert not Path("out.ckpt").exists()


def test_weights_of_another_network_are_refused(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = CASES["kernel"][0]()
    model.save_weights("m.weights.h5")
    error = refused(["import-keras", "m.weights.h5", "out.ckpt"], capsys)
    assert "layer 2, Conv2D: kernel_size is [5, 5], must be [3, 3]" in error


def test_nothing_in_a_file_is_executed(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A Lambda layer, and a class that names a function to call, are read as text."""
    original(*SIZES).save("m.keras")
    config = json.loads(zipfile.ZipFile("m.keras").read("config.json"))
    layer = {
        "module": "builtins",
        "class_name": "exec",
        "config": {"function": "open('executed', 'w')", "name": "l"},
        "registered_name": "exec",
    }
    config["config"]["layers"].insert(2, layer)
    with zipfile.ZipFile("m.keras") as old, zipfile.ZipFile("evil.keras", "w") as new:
        new.writestr("config.json", json.dumps(config))
        for name in ("metadata.json", "model.weights.h5"):
            new.writestr(name, old.read(name))
    error = refused(["import-keras", "evil.keras", "out.ckpt"], capsys)
    assert "layer 2 is exec, must be Conv2D" in error
    assert not Path("executed").exists()


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("path", ["m.keras", "m.h5", "m.weights.h5"])
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


def test_a_network_that_keras_would_not_compute_is_refused(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["fit", *TINY, "--model.batch_norm", "true"])
    (path,) = workdir.glob("logs/*/*/checkpoints/last.ckpt")
    assert "batch_norm" in refused(["export-keras", str(path), "out.keras"], capsys)
    assert not Path("out.keras").exists()


def test_outputs_are_checked_before_work(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(original(*SIZES), "m.keras")
    assert "must end with .ckpt" in refused(["import-keras", "m.keras", "out.pt"], capsys)
    assert "no such folder" in refused(["import-keras", "m.keras", "no/out.ckpt"], capsys)
    main(["import-keras", "m.keras", "out.ckpt"])
    assert "there already" in refused(["import-keras", "m.keras", "out.ckpt"], capsys)
    assert "there already" in refused(["export-keras", "out.ckpt", "m.keras"], capsys)
    assert "weights alone" in refused(["fit", "--ckpt_path", "out.ckpt"], capsys)


def test_without_keras_one_line_says_what_to_install(
    workdir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    error = refused(["import-keras", "m.keras", "out.ckpt"], capsys)
    assert 'pip install "mnist-lightning[keras]"' in error
