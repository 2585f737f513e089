"""The data module: files, protocol, scaling."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import datasets

from mnist_lightning import MNISTDataModule
from mnist_lightning.data.sources import MNIST, SOURCES
from mnist_lightning.errors import DataError


def ready(**options: Any) -> MNISTDataModule:
    data = MNISTDataModule(**options)
    data.prepare_data()
    data.setup("fit")
    return data


def tiny(tmp_path: Path, **options: Any) -> MNISTDataModule:
    return ready(data_dir=str(tmp_path), source="synthetic", synthetic_size=(500, 70), **options)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> MNISTDataModule:
    """The real thing, in a folder where torchvision's old format lies in wait."""
    shared = Path(__file__).parents[3] / "shared" / "mnist"
    if not shared.is_dir():
        pytest.skip("the official files are not beside the project, in ../shared/mnist")
    folder = tmp_path_factory.mktemp("data")
    processed = folder / "MNIST" / "processed"
    processed.mkdir(parents=True)
    for name in ("training.pt", "test.pt"):
        torch.save(
            (torch.zeros(5, 28, 28, dtype=torch.uint8), torch.zeros(5).long()), processed / name
        )
    return ready(data_dir=str(folder), mirror=shared.as_uri())


def test_reads_the_official_files_and_keeps_the_sets_apart(mnist: MNISTDataModule) -> None:
    assert mnist.train.images.shape == (60_000, 1, 28, 28)
    assert mnist.train.images.dtype == torch.uint8
    assert mnist.test.images.shape == (10_000, 1, 28, 28)
    # first labels and pixel means as published: 5 0 4 1 9, 7 2 1 0 4; 0.1307
    assert mnist.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.mean(mnist.train.images.numpy()) / 255 == pytest.approx(0.1307, abs=5e-5)
    assert mnist.val is mnist.test, "the protocol of the original"


def test_a_folder_filled_by_torchvision_is_used_as_it_is(
    mnist: MNISTDataModule, tmp_path: Path
) -> None:
    theirs = datasets.MNIST.__new__(datasets.MNIST)
    theirs.root = str(mnist.data_dir)
    assert Path(theirs.raw_folder) == MNIST.raw_dir(mnist.data_dir)
    again = MNISTDataModule(data_dir=str(mnist.data_dir), mirror=tmp_path.as_uri())
    again.prepare_data()  # the mirror is empty: nothing was fetched


def test_held_out_images_are_stratified_and_leave_the_test_set(mnist: MNISTDataModule) -> None:
    data = ready(data_dir=str(mnist.data_dir), val_size=5000, seed=3)
    whole, kept, held_out = (
        np.bincount(each.labels) for each in (mnist.train, data.train, data.val)
    )
    assert (len(data.train), len(data.val)) == (55_000, 5000)
    assert np.abs(held_out - whole * 5000 / 60_000).max() <= 1
    assert (kept + held_out).tolist() == whole.tolist()
    again, other = (ready(data_dir=str(mnist.data_dir), val_size=5000, seed=s) for s in (3, 4))
    assert torch.equal(data.val.images, again.val.images)
    assert not torch.equal(data.val.images, other.val.images)


def test_damage_after_preparation_does_not_reach_training(mnist_dir: Path, tmp_path: Path) -> None:
    data = MNISTDataModule(data_dir=str(tmp_path), mirror=mnist_dir.as_uri())
    data.prepare_data()
    path = MNIST.raw_dir(data.data_dir) / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\xfa")
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte is damaged"):
        data.setup("fit")


@pytest.mark.parametrize("normalize", ["unit", "standard"])
def test_batches_are_what_a_model_takes(tmp_path: Path, normalize: Any) -> None:
    data = tiny(tmp_path, normalize=normalize)
    mean, std = (0.1307, 0.3081) if normalize == "standard" else (0, 1)  # as published
    for loader, images in (
        (data.val_dataloader(), data.val.images),
        (data.test_dataloader(), data.test.images),
        (data.train_dataloader(), data.train.images),
    ):
        assert isinstance(loader, DataLoader)
        batch = torch.cat([scaled for scaled, _ in loader])
        assert batch.dtype == torch.float32
        expected = (images.double() / 255 - mean) / std
        assert batch.double().mean() == pytest.approx(expected.mean().item(), abs=1e-5)


class Seen(LightningModule):
    """Keeps the batches as they reach training and validation."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.seen: dict[str, list[Tensor]] = {"train": [], "val": []}

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        self.seen["train"].append(batch[0])
        return self.weight * 0

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        self.seen["val"].append(batch[0])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0)


def seen(folder: Path, **options: Any) -> dict[str, list[Tensor]]:
    module = Seen()
    off = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=2,
        num_sanity_val_steps=0,
        **dict.fromkeys(off, False),  # type: ignore[arg-type]
    )
    trainer.fit(module, datamodule=tiny(folder, batch_size=500, **options))
    return module.seen


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


def test_every_test_image_is_scored(tmp_path: Path) -> None:
    data = tiny(tmp_path, batch_size=32)  # 70 images: the last batch holds 6
    assert sum(len(labels) for _, labels in data.test_dataloader()) == 70


def test_auto_takes_synthetic_digits_only_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = replace(MNIST, mirrors=("http://127.0.0.1:9/",))
    monkeypatch.setitem(SOURCES, "mnist", closed)
    data = ready(data_dir=str(tmp_path), source="auto", synthetic_size=(64, 32))
    assert data.source == "synthetic"
    hint = "--data.mirror takes MNIST from elsewhere"
    reason = "train-images-idx3-ubyte.gz: ConnectionError at 127.0.0.1:9"
    assert capsys.readouterr().out == f"{reason}; generated digits instead, {hint}\n"
    assert data.hparams["source"] == "synthetic"
    assert "data_dir" not in data.hparams
    with pytest.raises(DataError, match=r"--data\.mirror"):
        ready(data_dir=str(tmp_path), source="auto", mirror="http://127.0.0.1:9/")
    with pytest.raises(DataError, match=r"four files into .*--data.source synthetic"):
        ready(data_dir=str(tmp_path), source="mnist")


@pytest.mark.parametrize(
    ("option", "value"),
    [
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
