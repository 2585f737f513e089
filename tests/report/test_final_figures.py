"""What a run reports at its end is what ``test`` finds in the network that it saved."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TINY
from lightning import Trainer

from mnist_lightning import MNISTClassifier, MNISTDataModule
from mnist_lightning.__main__ import main
from mnist_lightning.models.fingerprint import fingerprint
from mnist_lightning.report.history import History

AVERAGED = ["StochasticWeightAveraging", "--trainer.callbacks.swa_lrs", "0.01"]
OPTIONS = {
    "interval": ["--trainer.val_check_interval", "0.3"],
    "batches": ["--trainer.val_check_interval", "7", "--trainer.check_val_every_n_epoch", "null"],
    "epochs": ["--trainer.check_val_every_n_epoch", "3"],
    "steps": ["--trainer.max_steps", "14"],
    "averaged": ["--trainer.callbacks", *AVERAGED, "--trainer.callbacks.swa_epoch_start", "1"],
}


@pytest.mark.parametrize("given", OPTIONS)
def test_figures_are_those_of_the_saved_network(
    workdir: Path, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*TINY, "--data.batch_size", "10", "--report.figures", "false", *OPTIONS[given]]
    main(["fit", *options, "--model.lr", "0.01"])
    run = reported(Path("logs/synthetic/version_0"), capsys)
    main(["fit", *options, "--model.lr", "0.01", "--ckpt_path", "last"])
    again = reported(Path("logs/synthetic/version_1"), capsys)
    assert again == run, "of a run with nothing left to train, too"


def reported(run: Path, capsys: pytest.CaptureFixture[str]) -> list[object]:
    """Check the figures of a run against those of ``test``; its confusion matrix."""
    printed = capsys.readouterr().out
    main(["test", "--ckpt_path", str(run / "checkpoints/last.ckpt"), "--report.figures", "false"])
    own, tested = (
        json.loads((run / folder / "metrics.json").read_text()) for folder in ("validation", "test")
    )
    assert own["confusion_matrix"] == tested["confusion_matrix"]
    assert own["loss"] == tested["loss"]
    right = tested["right"]
    assert f"{right:,} classified correctly" in printed
    assert json.loads((run / "summary.json").read_text())["right"] == right
    with (run / "history.csv").open() as file:
        *_, last = csv.DictReader(file)
    assert float(last["val_loss"]) == pytest.approx(tested["loss"], rel=1e-5)
    capsys.readouterr()
    return list(own["confusion_matrix"])


@pytest.mark.filterwarnings("ignore:.*does not have many workers|.*logging interval")
def test_a_later_validation_is_no_part_of_the_run(tmp_path: Path) -> None:
    options: Any = {"enable_progress_bar": False, "enable_model_summary": False}
    options |= {"accelerator": "cpu", "default_root_dir": tmp_path}
    trainer = Trainer(max_epochs=1, callbacks=[History()], **options)
    data = MNISTDataModule(str(tmp_path), "synthetic", synthetic_size=(96, 70))
    trainer.fit(MNISTClassifier([2], [4]), data)
    (history,) = tmp_path.rglob("history.csv")
    before = history.read_text()
    trainer.validate(MNISTClassifier([2], [4], lr=0.5), data, verbose=False)
    assert history.read_text() == before


class Told(MNISTClassifier):
    """A module that keeps more in its checkpoints than tensors."""

    def get_extra_state(self) -> dict[str, int]:
        return {"more": 1}

    def set_extra_state(self, state: object) -> None:
        """Take nothing."""


def test_what_is_no_tensor_in_a_module_is_no_part_of_its_fingerprint() -> None:
    one, other = Told([2], [4]), Told([2], [4])
    other.load_state_dict(one.state_dict())
    assert fingerprint(one) == fingerprint(other)
    with torch.no_grad():
        other.net.head.bias[0] += 1e-6
    assert fingerprint(one) != fingerprint(other)
