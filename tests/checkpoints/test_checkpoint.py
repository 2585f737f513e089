"""Which class opens a checkpoint."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningModule
from own_classes import Free, Hooked, Random
from runs import quiet

from mnist_lightning import MNISTClassifier
from mnist_lightning.checkpoints.checkpoint import read_checkpoint
from mnist_lightning.checkpoints.hyperparameters import check_hyperparameters
from mnist_lightning.checkpoints.training_state import TrainingState
from mnist_lightning.cli.settings import names_no_code
from mnist_lightning.errors import CheckpointError

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


def save(folder: Path, module: LightningModule, *callbacks: Any) -> Path:
    """A checkpoint of a run without ours, but for the callbacks given."""
    trainer = quiet(folder, max_epochs=1, callbacks=list(callbacks))
    trainer.fit(module, datamodule=Random())
    trainer.save_checkpoint(folder / "x.ckpt", weights_only=False)
    return folder / "x.ckpt"


def test_a_subclass_of_a_stock_trainer_opens_as_ours(tmp_path: Path) -> None:
    path, images = save(tmp_path, model := Hooked([2], [4])), torch.rand(2, 1, 28, 28)
    found = read_checkpoint(path).module()
    assert type(found) is MNISTClassifier
    assert torch.equal(found(images), model.eval()(images))


def test_a_class_is_named_and_only_used_where_it_is_given(tmp_path: Path) -> None:
    path = save(tmp_path, Free(width=3), TrainingState())
    with pytest.raises(CheckpointError, match=r"of class own_classes.Free: give --model own_cl"):
        read_checkpoint(path)
    assert read_checkpoint(path, Free).model == {"width": 3, "lr": 0.1}
    assert isinstance(read_checkpoint(path, Free(width=3)).module(), Free)
    with pytest.raises(CheckpointError, match="size mismatch"):
        read_checkpoint(path, Free(width=4)).module()


def test_a_name_in_a_checkpoint_imports_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "trap.py").write_text("raise SystemExit('imported')")
    path = save(tmp_path, MNISTClassifier([2], [4]))
    content = torch.load(path, weights_only=True)
    made = {"class_path": "trap.Net", "init_args": {}}
    settings = content["hyper_parameters"]
    for more in ({"net": made}, {"net": "trap.Net"}, {"optimizer": "trap.Net"}, {"lr": made}):
        torch.save({**content, "hyper_parameters": {**settings, **more}}, path)
        with pytest.raises(CheckpointError):
            check_hyperparameters(read_checkpoint(path))
    torch.save({**content, "model_class": "trap.Net"}, path)
    with pytest.raises(CheckpointError, match=r"give --model trap\.Net"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "value", ["trap.Net", "/tmp/x.yaml", {"class_path": "a"}, [{"a": 1}], "a:b"]
)
def test_settings_that_could_name_code_are_no_defaults(value: Any) -> None:
    assert not names_no_code(value)
    assert names_no_code(["one_cycle", 1, 0.5, None, True, ""])


def test_settings_that_are_no_values_stay_out(tmp_path: Path) -> None:
    class OfFunction(MNISTClassifier):
        def __init__(self, function: Any = len, **options: Any) -> None:
            super().__init__(**options)

    model = OfFunction(conv_channels=[2], hidden_dims=[4])
    assert model.hparams["function"] is len
    path = save(tmp_path, model, TrainingState())
    assert "function" not in torch.load(path, weights_only=True)["hyper_parameters"]
