"""The data module: files, protocol, scaling."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mirrors import stand_ins, write
from torch import Tensor
from torch.utils.data import DataLoader

from mnist_lightning import MNISTDataModule
from mnist_lightning.data.dataset import Scaling
from mnist_lightning.data.datasets import MNIST, SOURCES
from mnist_lightning.errors import DataError


def ready(**options: Any) -> MNISTDataModule:
    data = MNISTDataModule(**options)
    data.prepare_data()
    data.setup("fit")
    return data


def tiny(tmp_path: Path, **options: Any) -> MNISTDataModule:
    return ready(data_dir=str(tmp_path), source="synthetic", synthetic_size=(500, 70), **options)


def test_the_test_images_validate_unless_images_are_held_out(
    mnist_dir: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"data_dir": str(tmp_path), "mirror": mnist_dir.as_uri()}
    whole = ready(**options)
    assert (len(whole.train), len(whole.test)) == (60_000, 10_000)
    assert whole.val is whole.test, "the protocol of the original"
    data = ready(val_size=5000, **options)
    assert (len(data.train), len(data.val), len(data.test)) == (55_000, 5000, 10_000)
    every, kept, held_out = (np.bincount(x.labels) for x in (whole.train, data.train, data.val))
    assert np.abs(held_out - every * 5000 / 60_000).max() <= 1
    assert (kept + held_out).tolist() == every.tolist()


def test_images_held_out_follow_from_the_seed(tmp_path: Path) -> None:
    data, again, other = (tiny(tmp_path, val_size=50, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(data.val.images, again.val.images)
    assert not torch.equal(data.val.images, other.val.images)


@pytest.mark.parametrize("normalize", ["unit", "standard"])
def test_batches_are_what_a_model_takes(tmp_path: Path, normalize: Any) -> None:
    data = tiny(tmp_path, normalize=normalize)
    mean, std = (0.1307, 0.3081) if normalize == "standard" else (0, 1)  # as published
    for name in ("train", "val", "test"):
        loader, images = getattr(data, f"{name}_dataloader")(), getattr(data, name).images
        assert isinstance(loader, DataLoader)
        batch = torch.cat([scaled for scaled, _ in loader])  # the last batch holds what is left
        assert (batch.shape, batch.dtype) == (images.shape, torch.float32)
        expected = (images.double() / 255 - mean) / std
        assert batch.double().mean() == pytest.approx(expected.mean().item(), abs=1e-5)


def seen(folder: Path, **options: Any) -> dict[str, list[Tensor]]:
    """The batches of two epochs, and of a validation."""
    data = tiny(folder, batch_size=500, **options)
    loader = data.train_dataloader()
    train = [images for _ in range(2) for images, _ in loader]
    return {"train": train, "val": [images for images, _ in data.val_dataloader()]}


def test_augmentation_follows_from_seed_and_place_and_spares_validation(tmp_path: Path) -> None:
    plain, one, again, other = (
        seen(tmp_path, seed=seed, shift=shift)
        for seed, shift in ((0, 0.0), (0, 2.0), (0, 2.0), (1, 2.0))
    )
    assert all(map(torch.equal, one["train"], again["train"]))
    assert not torch.equal(one["train"][0], plain["train"][0])
    assert all(map(torch.equal, one["val"], plain["val"]))
    # the same images in the first and the second epoch, each time moved otherwise
    first, second = (batch.sort(dim=0).values for batch in plain["train"])
    assert torch.equal(first, second)
    first, second = (batch.sort(dim=0).values for batch in one["train"])
    assert not torch.equal(first, second)
    assert not torch.equal(one["train"][0].sort(dim=0).values, other["train"][0].sort(dim=0).values)


def test_a_data_module_that_resumed_gives_another_run_whole_epochs(tmp_path: Path) -> None:
    data = tiny(tmp_path, batch_size=100)
    data.load_state_dict({"epoch": 0, "given": 3})
    assert [len(list(data.train_dataloader())) for _ in range(2)] == [2, 5]


def test_auto_takes_synthetic_digits_only_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = replace(MNIST, mirrors=("http://127.0.0.1:9/",))
    monkeypatch.setitem(SOURCES, "mnist", closed)
    data = ready(data_dir=str(tmp_path), source="auto", synthetic_size=(64, 32))
    assert data.source == "synthetic"
    hint = "--data.mirror takes MNIST from elsewhere"
    reason = "train-images-idx3-ubyte.gz: ConnectionError at 127.0.0.1:9"
    assert (
        capsys.readouterr().out
        == f"MNIST cannot be reached ({reason}): generated digits instead; {hint}\n"
    )
    assert data.hparams["source"] == "synthetic"
    assert "data_dir" not in data.hparams
    with pytest.raises(DataError, match=r"--data\.mirror"):
        ready(data_dir=str(tmp_path), source="auto", mirror="http://127.0.0.1:9/")
    with pytest.raises(DataError, match=r"four files into .*--data.source synthetic"):
        ready(data_dir=str(tmp_path), source="mnist")


def test_pixels_are_measured_where_no_figures_are_tabled(tmp_path: Path) -> None:
    files = stand_ins()
    write(tmp_path / "own", files)
    data = ready(data_dir=str(tmp_path), dataset="own", normalize="standard", val_size=30)
    pixels = np.frombuffer(files["train-images-idx3-ubyte"], np.uint8, offset=16) / 255
    assert data.hparams["normalize"] == pytest.approx((pixels.mean(), pixels.std()), rel=1e-12)
    assert data.hparams["dataset"] == data.name == "own"
    again = MNISTDataModule(str(tmp_path), **data.hparams)  # as of a checkpoint
    assert again.scaling == data.scaling
    write(tmp_path / "blank", {**files, "train-images-idx3-ubyte": blank(files)})
    with pytest.raises(DataError, match="normalize is standard: the pixels of blank are all alike"):
        ready(data_dir=str(tmp_path), dataset="blank", normalize="standard")


def blank(files: dict[str, bytes]) -> bytes:
    content = files["train-images-idx3-ubyte"]
    return content[:16] + bytes(len(content) - 16)


def test_names_and_classes_are_known_before_the_files_are(tmp_path: Path) -> None:
    options = {"dataset": "emnist", "split": "letters"}
    data = MNISTDataModule(str(tmp_path), source="auto", **options)  # type: ignore[arg-type]
    assert (data.name, data.num_classes, data.classes[:2]) == ("emnist_letters", 26, ("a", "b"))
    assert MNISTDataModule().classes == tuple("0123456789")
    assert MNISTDataModule(source="synthetic").name == "synthetic"
    assert MNISTDataModule(dataset="qmnist", normalize=(0.5, 2)).scaling == Scaling(0.5, 2)
    fashion = MNISTDataModule(dataset="fashion_mnist", normalize="standard")
    assert fashion.scaling == Scaling(0.286, 0.353)
    with pytest.raises(DataError, match=r"put the four files into .*, or give --data.mirror$"):
        ready(data_dir=str(tmp_path), source="auto", dataset="kmnist", mirror="file:///nowhere")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("source", "minst"),
        ("normalize", "foo"),
        ("normalize", (0.1, -1.0)),
        ("normalize", (0.1, float("nan"))),
        ("normalize", (0.1,)),
        ("normalize", None),
        ("dataset", "mnits"),
        ("split", "letter"),
        ("batch_size", 0),
        ("val_size", -1),
        ("val_size", 60_000),
        ("synthetic_size", (0, 5)),
        ("mirror", "ftp://example.org"),
        ("seed", -1),
        ("shift", -1.0),
        ("shift", 28.0),
        ("rotation", 360.0),
        ("zoom", 1.0),
        ("shear", float("nan")),
    ],
)
def test_refuses_values_that_cannot_be(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{option} is .*must b"):
        MNISTDataModule(**{option: value})
