"""Networks, optimizers, schedules and hooks of the user's own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Fabric, LightningModule
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import BackboneFinetuning, BaseFinetuning
from lightning.pytorch.cli import ReduceLROnPlateau
from own_classes import Linear
from runs import quiet
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, lr_scheduler
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics.functional.classification import multiclass_accuracy

from mnist_lightning import MNISTClassifier

IMAGES = torch.rand(25, 1, 28, 28, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([0] * 15 + [1] * 5 + [2, 3, 4, 5, 9])
BATCHES = DataLoader(TensorDataset(IMAGES, TARGETS), 10)
OTHERS = DataLoader(TensorDataset(IMAGES[:7].flip(3), TARGETS[-7:]), 3)

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


def small(**options: Any) -> MNISTClassifier:
    torch.manual_seed(0)
    return MNISTClassifier([2], [8], **options)


def sgd(parameters: Any) -> SGD:
    return SGD(parameters, lr=0.1, momentum=0.9)


class Stock(LightningModule):
    """The control: plain Lightning around a network."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return F.cross_entropy(self.net(batch[0]), batch[1])

    def validation_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> None:
        images, targets = batch
        logits = self.net(images)
        accuracy = multiclass_accuracy(logits, targets, 10, average="micro")
        named = {"val/loss": F.cross_entropy(logits, targets), "val/accuracy": accuracy}
        self.log_dict(named, batch_size=len(images))

    def configure_optimizers(self) -> SGD:
        return sgd(self.parameters())


@pytest.mark.parametrize("loaders", [[BATCHES, OTHERS], BATCHES])
def test_trains_as_a_stock_module_with_the_same_parts(tmp_path: Path, loaders: Any) -> None:
    ours = MNISTClassifier(net=Linear(), optimizer=sgd)
    theirs = Stock(Linear())
    theirs.net.load_state_dict(ours.net.state_dict())
    trainers = [quiet(tmp_path, max_epochs=2) for _ in range(2)]
    for trainer, module in zip(trainers, (ours, theirs), strict=True):
        trainer.fit(module, BATCHES, loaders)
    assert torch.equal(ours.net.layer.weight, theirs.net.get_parameter("layer.weight"))
    expected = trainers[1].callback_metrics
    assert len(expected) == 2 * (2 if isinstance(loaders, list) else 1)
    for name, value in expected.items():
        torch.testing.assert_close(trainers[0].callback_metrics[name], value)


@pytest.mark.parametrize("stage", ["validate", "test"])
def test_one_hot_targets_score_as_classes(tmp_path: Path, stage: str) -> None:
    hot = DataLoader(TensorDataset(IMAGES, torch.eye(10)[TARGETS]), 10)
    logged = [
        getattr(quiet(tmp_path), stage)(small(), data, verbose=False) for data in (BATCHES, hot)
    ]
    assert logged[0] == logged[1]


class Freeze(BaseFinetuning):
    """Train the head alone, and all from the second epoch."""

    def freeze_before_training(self, pl_module: Any) -> None:
        self.freeze(pl_module.net.features)

    def finetune_function(self, pl_module: Any, epoch: int, optimizer: Any) -> None:
        if epoch == 1:
            self.unfreeze_and_add_param_group(pl_module.net.features, optimizer)


class WithBackbone(MNISTClassifier):
    """Has what BackboneFinetuning looks for."""

    @property
    def backbone(self) -> nn.Module:
        features: nn.Module = self.net.features
        return features


@pytest.mark.parametrize("callback", [Freeze(), BackboneFinetuning(1)])
def test_frozen_layers_are_trained_when_they_are_thawed(tmp_path: Path, callback: Any) -> None:
    model = WithBackbone([2], [8])
    before = model.net.features.conv1.weight.clone()
    trainer = quiet(tmp_path, max_epochs=1, callbacks=[callback])
    trainer.fit(model, BATCHES, BATCHES)
    assert torch.equal(model.net.features.conv1.weight, before)
    assert [len(group["params"]) for group in trainer.optimizers[0].param_groups] == [2]
    trainer = quiet(tmp_path, max_epochs=2, callbacks=[callback])
    trainer.fit(model, BATCHES, BATCHES)
    assert not torch.equal(model.net.features.conv1.weight, before)


@pytest.mark.parametrize(
    ("scheduler", "interval", "monitor"),
    [
        (lambda each: lr_scheduler.StepLR(each, 1), "epoch", None),
        (lambda each: lr_scheduler.OneCycleLR(each, 0.1, total_steps=6), "step", None),
        (lambda each: lr_scheduler.ReduceLROnPlateau(each), "epoch", "val/loss"),
        (lambda each: lr_scheduler.ReduceLROnPlateau(each, "max"), "epoch", "val/accuracy"),
        (lambda each: ReduceLROnPlateau(each, "train/loss"), "epoch", "train/loss"),
    ],
)
def test_schedules_step_when_they_are_meant_to(
    tmp_path: Path, scheduler: Any, interval: str, monitor: str | None
) -> None:
    trainer = quiet(tmp_path, max_epochs=2)
    trainer.fit(small(scheduler=scheduler), BATCHES, BATCHES)
    (config,) = trainer.lr_scheduler_configs
    assert (config.interval, config.monitor) == (interval, monitor)
    if interval == "step":
        assert config.scheduler.last_epoch == trainer.global_step == 6


def test_the_cycle_is_of_the_optimizers_own_rate(tmp_path: Path) -> None:
    trainer = quiet(tmp_path, max_epochs=2)
    model = small(optimizer=lambda each: SGD(each, lr=0.5), schedule="one_cycle")
    trainer.fit(model, BATCHES, BATCHES)
    assert trainer.optimizers[0].param_groups[0]["max_lr"] == 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": sgd, "lr": 0.1}, "lr is 0.1"),
        ({"scheduler": lambda _: None, "schedule": "one_cycle"}, "schedule is one_cycle"),
        ({"net": "my.Net"}, "net is my.Net"),
        ({"optimizer": "adam"}, "optimizer is .adam.: must be what makes one"),
    ],
)
def test_arguments_that_contradict_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MNISTClassifier(**options)


def test_a_checkpoint_names_the_network_and_holds_plain_values(tmp_path: Path) -> None:
    model = MNISTClassifier(net=Linear(), optimizer=sgd)
    trainer = quiet(tmp_path, max_epochs=1)
    trainer.fit(model, BATCHES, BATCHES)
    trainer.save_checkpoint(tmp_path / "x.ckpt", weights_only=False)
    stored = torch.load(tmp_path / "x.ckpt", weights_only=True)["hyper_parameters"]
    assert stored["net"].endswith("own_classes.Linear")
    assert not {"optimizer", "scheduler"} & stored.keys()
    loaded = MNISTClassifier.load_from_checkpoint(tmp_path / "x.ckpt", net=Linear())
    assert torch.equal(loaded(IMAGES), model.eval()(IMAGES))
    with pytest.raises(ValueError, match=r"own_classes\.Linear: give the network itself"):
        MNISTClassifier.load_from_checkpoint(tmp_path / "x.ckpt")


class Hooked(MNISTClassifier):
    """Overrides hooks as Lightning's documents show, without ``super()``."""

    def setup(self, stage: str) -> None: ...

    def on_train_epoch_start(self) -> None: ...

    def on_validation_epoch_start(self) -> None: ...

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        return F.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self) -> Any:
        return sgd(self.parameters())


class ByHand(MNISTClassifier):
    """Takes its steps itself."""

    def __init__(self) -> None:
        super().__init__([2], [8])
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        optimizer: Any = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(super().training_step(batch, batch_idx))
        optimizer.step()


class OfDicts(MNISTClassifier):
    """Unpacks its batches."""

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return batch["image"], batch["label"]


VAL = {"val/loss", "val/accuracy"}
BOTH = {"train/loss", "train/accuracy"} | VAL


@pytest.mark.parametrize(
    ("make", "logged"),
    [
        (lambda: Hooked([2], [8]), VAL),
        (ByHand, BOTH),
        (lambda: small(optimizer=lambda each: torch.optim.LBFGS(each, max_iter=2)), BOTH),
    ],
)
def test_what_was_counted_is_logged(
    tmp_path: Path, make: Callable[[], MNISTClassifier], logged: set[str]
) -> None:
    trainer, model = quiet(tmp_path, max_epochs=2), make()
    trainer.validate(model, BATCHES, verbose=False)
    before = [each.clone() for each in model.parameters()]
    trainer.fit(model, BATCHES, BATCHES)
    assert not all(map(torch.equal, before, model.parameters()))
    assert trainer.callback_metrics.keys() == logged
    assert all(value > 0 for value in trainer.callback_metrics.values())


def test_batches_are_unpacked_by_a_subclass(tmp_path: Path) -> None:
    rows: Any = [{"image": x, "label": y} for x, y in zip(IMAGES, TARGETS, strict=True)]
    torch.manual_seed(0)
    (logged,) = quiet(tmp_path).validate(OfDicts([2], [8]), DataLoader(rows, 10), verbose=False)
    (expected,) = quiet(tmp_path).validate(small(), BATCHES, verbose=False)
    assert logged == expected
    with pytest.raises(ValueError, match="a dict of image, label"):
        quiet(tmp_path).validate(small(), DataLoader(rows, 10), verbose=False)


def test_fabric_trains_it() -> None:
    fabric, model = Fabric(accelerator="cpu", devices=1), small()
    before = model.net.head.weight.clone()
    module, optimizer = fabric.setup(model, model.configure_optimizers())
    for number, batch in enumerate(fabric.setup_dataloaders(BATCHES)):
        fabric.backward(module.training_step(batch, number))
        optimizer.step()
        optimizer.zero_grad()
    assert not torch.equal(model.net.head.weight, before)
    cycle = small(schedule="one_cycle")
    fabric.setup(cycle)
    with pytest.raises(MisconfigurationException, match="without one give scheduler"):
        cycle.configure_optimizers()
