"""What TensorBoard is given."""

from pathlib import Path

import numpy as np
import pytest
from conftest import TINY
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.util.tensor_util import make_ndarray

from mnist_lightning.__main__ import main

FIT = ["fit", *TINY, "--model.lr", "0.002"]


def events(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), {"tensors": 0, "images": 0}).Reload()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with all that TensorBoard shows."""
    folder = tmp_path_factory.mktemp("board")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main([*FIT, "--tensorboard.level", "full"])
    return folder / "logs/synthetic/version_0"


def test_charts_pictures_and_graph(run: Path) -> None:
    train, validation = events(run / "train"), events(run / "validation")
    rates = {event.step: event.value for event in train.Scalars("training/lr")}
    assert rates == pytest.approx({1: 0.002, 2: 0.002})
    assert all(event.value > 0 for event in train.Scalars("training/images_per_second"))
    assert b"conv2" in train.Graph().SerializeToString()
    assert [event.step for event in validation.Images("pictures/worst_mistakes")] == [1, 2]
    labels = np.loadtxt(run / "validation/00002/features/metadata.tsv", dtype=int)
    for digit in range(10):  # precision and recall
        (event,) = validation.Tensors(f"digit_{digit}")
        table = make_ndarray(event.tensor_proto)  # TP, FP, TN, FN, precision, recall
        assert table[0, 0] == (labels == digit).sum(), "all are found where the threshold is 0"
        assert table[:4].sum(axis=0) == pytest.approx(len(labels))


def test_features_have_labels_and_thumbnails(run: Path) -> None:
    folder = run / "validation/00002/features"
    features = np.loadtxt(folder / "tensors.tsv", delimiter="\t")
    assert features.shape == (70, 8)
    assert features.min() >= 0, "after ReLU"
    with Image.open(folder / "sprite.png") as sprite:
        assert sprite.size == (9 * 28, 9 * 28), "the least square that holds 70"


def test_the_table_of_runs(run: Path) -> None:
    validation = events(run / "validation")
    start, experiment = (
        HParamsPluginData.FromString(validation.SummaryMetadata(tag).plugin_data.content)
        for tag in ("_hparams_/session_start_info", "_hparams_/experiment")
    )
    settings = start.session_start_info.hparams
    assert settings["lr"].number_value == 0.002
    assert settings["conv_channels"].string_value == "[2, 2]"
    infos = experiment.experiment.hparam_infos
    assert {each.name for each in infos} == set(settings)
    shown = sorted(infos, key=lambda each: (not each.differs, each.name))  # as TensorBoard does
    assert [each.name for each in shown[:2]] == ["batch_size", "lr"]
    for metric in experiment.experiment.metric_infos:  # each names a curve that is there
        assert metric.name.tag in validation.Tags()["scalars"]
        assert not metric.name.group
    files = [*run.glob("**/events*")]
    assert {path.parent.name for path in files} == {"train", "validation"}, "a run's two entries"
    text = b"".join(path.read_bytes() for path in files)
    assert str(run.parents[2]).encode() not in text, "no path of this machine"


def test_minimal_is_the_curves(workdir: Path) -> None:
    main([*FIT, "--tensorboard.level", "minimal"])
    run = workdir / "logs/synthetic/version_0"
    assert events(run / "train").Tags()["graph"] is False
    assert not list(run.glob("events*"))
    assert not (run / "validation/projector_config.pbtxt").exists()
