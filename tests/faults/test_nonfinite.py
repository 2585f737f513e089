"""Numbers that are not finite, injected into training: nothing good is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TINY, Tally, refused

from mnist_lightning import MNISTClassifier, MNISTDataModule
from mnist_lightning.checkpoints.archive import read_archive

pytestmark = pytest.mark.faults
CALLS = 4  # the hook breaks something at this call: in the second epoch of three steps
NAN, INF = float("nan"), float("inf")
FIT = ["fit", *TINY, "--data.val_size", "30"]
FIT += ["--data.batch_size", "32", "--trainer.max_epochs", "3"]
FIT += ["--checkpoint.every_n_train_steps", "1"]
FIT += ["--trainer.num_sanity_val_steps", "0", "--model.batch_norm", "true"]
ACCURATE = str(Path(__file__).parents[2] / "configs" / "accurate.yaml")


def fill(name: str, value: float) -> Callable[..., None]:
    """Fill a weight or a buffer."""
    return lambda model, *_: model.state_dict()[name].fill_(value)


def fill_gradient(value: float) -> Callable[..., None]:
    return lambda model, *_: model.net.head.weight.grad.fill_(value)


def fill_moment(name: str, value: float) -> Callable[..., None]:
    def break_moment(model: MNISTClassifier, *_: Any) -> None:
        for state in model.trainer.optimizers[0].state.values():
            state[name].fill_(value)

    return break_moment


def set_rate(value: float) -> Callable[..., None]:
    return lambda model, *_: model.trainer.optimizers[0].param_groups[0].update(lr=value)


def break_average(model: MNISTClassifier, *_: Any) -> None:
    (averaging,) = (each for each in model.trainer.callbacks if hasattr(each, "_average_model"))  # type: ignore[attr-defined]
    averaging._average_model.module.net.head.bias.data.fill_(NAN)


START, BACKWARD, EPOCH_END = "on_train_batch_start", "on_after_backward", "on_train_epoch_end"
PLACES: dict[str, tuple[str, Callable[..., None]]] = {
    "a weight of the first layer": (START, fill("net.features.conv1.weight", NAN)),
    "a weight of the last layer": (START, fill("net.head.weight", INF)),
    "a bias": (START, fill("net.head.bias", -INF)),
    "a weight at an epoch's end": (EPOCH_END, fill("net.head.bias", NAN)),
    "a running mean": (START, fill("net.features.norm1.running_mean", NAN)),
    "a running variance": (START, fill("net.features.norm1.running_var", INF)),
    "a gradient": (BACKWARD, fill_gradient(NAN)),
    "an infinite gradient": (BACKWARD, fill_gradient(INF)),
    "a gradient whose square is infinite": (BACKWARD, fill_gradient(1e30)),
    "the first moment": (START, fill_moment("exp_avg", NAN)),
    "the second moment": (START, fill_moment("exp_avg_sq", INF)),
    "the learning rate": (START, set_rate(NAN)),
    "a learning rate without bounds": (START, set_rate(1e38)),
    "a weight before validation": ("on_validation_start", fill("net.head.bias", NAN)),
    "an average of weights": (START, break_average),
}


@pytest.mark.parametrize(("number", "place"), list(enumerate(PLACES)), ids=PLACES)
def test_training_stops_with_finite_checkpoints(
    workdir: Path,
    number: int,
    place: str,
    full: bool,
    tally: Tally,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not full and number % 4 != 3:
        pytest.skip("in full only")
    hook, break_something = PLACES[place]
    calls = iter(range(1000))
    when = CALLS if hook in (START, BACKWARD) else 1

    def breaks(model: MNISTClassifier, *args: Any) -> None:
        if next(calls) == when:
            with torch.no_grad():
                break_something(model, *args)

    monkeypatch.setattr(MNISTClassifier, hook, breaks)
    recipe = ["--config", ACCURATE] if "average" in place else []
    error = refused([FIT[0], *recipe, *FIT[1:]], capsys)
    stopped = " in epoch 2, step " in error
    kept = [read_archive(path) for path in workdir.glob("logs/*/*/checkpoints/*.ckpt")]
    tally(f"not finite: {place}", 1, stopped and len(kept) >= 3, 0)


@pytest.mark.parametrize(("stage", "step", "saved"), [("training", 4, 3), ("validating", 6, 6)])
def test_images_that_are_not_finite_stop_too(
    workdir: Path,
    stage: str,
    step: int,
    saved: int,
    tally: Tally,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = MNISTDataModule.on_after_batch_transfer

    def breaks(self: MNISTDataModule, batch: Any, dataloader_idx: int) -> Any:
        batch, trainer = whole(self, batch, dataloader_idx), self.trainer
        if trainer and trainer.current_epoch == 1 and getattr(trainer, stage):
            batch[0][0, 0, 0, 0] = NAN
        return batch

    monkeypatch.setattr(MNISTDataModule, "on_after_batch_transfer", breaks)
    error = refused(FIT, capsys)
    kept = [read_archive(path) for path in workdir.glob("logs/*/*/checkpoints/*.ckpt")]
    stopped = f"the loss is nan in epoch 2, step {step}:" in error
    stopped &= max(each["global_step"] for each in kept) == saved
    tally(f"not finite: an image when {stage}", 1, stopped and len(kept) >= 3, 0)
