"""What a checkpoint must hold, against what a classifier would save."""

from typing import Any

import pytest
import torch

from mnist_lightning import MNISTClassifier
from mnist_lightning.checkpoints.content import misfit
from mnist_lightning.models.keras_adam import KerasAdam


def trained() -> tuple[MNISTClassifier, dict[str, Any]]:
    """A classifier after a step of torch's own making, and what would be saved of it."""
    classifier = MNISTClassifier([2], [4])
    adam = KerasAdam(classifier.parameters())
    classifier(torch.ones(1, 1, 28, 28)).sum().backward()
    adam.step()
    loops = {"fit_loop": {"epoch_progress": {"total": {"ready": 1}}}}
    return classifier, {
        "state_dict": classifier.state_dict(),
        "optimizer_states": [adam.state_dict()],
        "lr_schedulers": [],
        "loops": loops,
        "epoch": 0,
        "global_step": 1,
    }


def test_what_was_saved_fits() -> None:
    classifier, content = trained()
    assert misfit(content, classifier) == ""


@pytest.mark.parametrize("count", [-1, 2**60, "x", 0.5, [None, -(10**30)]])
@pytest.mark.parametrize("place", ["loops", "epoch", "global_step"])
def test_counts_are_counts(place: str, count: Any) -> None:
    classifier, content = trained()
    value = {"fit_loop": {"epoch_progress": count}} if place == "loops" else count
    assert misfit({**content, place: value}, classifier) == "its loops have not counted"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"optimizer_states": [{"state": {}, "param_groups": []}]}, "optimizer_states.0.state.0"),
        ({"lr_schedulers": [{}]}, "lr_schedulers is not 0 values"),
        ({"loops": {}}, "loops is missing"),
        ({"trainer_options": {"precision": torch.zeros(1)}}, "its trainer_options are none"),
        ({"state_dict": {}}, "state_dict.net.features.conv1.weight is missing"),
    ],
)
def test_names_what_differs(change: dict[str, Any], found: str) -> None:
    classifier, content = trained()
    assert misfit({**content, **change}, classifier).startswith(found)


def test_moments_have_the_shape_of_their_weights() -> None:
    classifier, content = trained()
    content["optimizer_states"][0]["state"][0]["exp_avg"] = torch.zeros(())
    assert "exp_avg has shape ()" in misfit(content, classifier)
