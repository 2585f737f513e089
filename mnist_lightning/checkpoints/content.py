"""What a checkpoint of a network must hold."""

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import OneCycleLR

from mnist_lightning.checkpoints.archive import leaves
from mnist_lightning.models.classifier import MNISTClassifier
from mnist_lightning.models.keras_adam import KerasAdam

MOST = 2**48  # batches, steps and epochs that can be counted
PLAIN = (str, int, float, type(None))


def misfit(content: dict[str, Any], classifier: MNISTClassifier) -> str:
    """Say what in a checkpoint first differs in kind from what the classifier would save.

    Weights, the optimiser's state and that of the schedule must have its names, shapes and types;
    counts must be counts, and the trainer's options plain values.

    Args:
        content: Of the checkpoint.
        classifier: With the checkpoint's settings; on any device, ``meta`` too.

    Returns:
        A few words; empty if all fits.
    """
    for leaf in leaves([content.get(name) for name in ("loops", "epoch", "global_step")]):
        if leaf is not None and not (isinstance(leaf, int) and 0 <= leaf < MOST):
            return "its loops have not counted"
    options = content.get("trainer_options", {})
    plain = all(isinstance(leaf, PLAIN) for leaf in leaves(options))
    if not isinstance(options, dict) or not plain:
        return "its trainer_options are none"
    figures = {name: metric.metric_state for name, metric in classifier.train_figures.items()}
    expected = {"state_dict": classifier.state_dict(), "train_figures": figures}
    if content.get("optimizer_states"):
        expected |= _training(content, classifier)
        if "fit_loop" not in content.get("loops", {}):
            return "loops is missing"
    given = {"train_figures": figures, **content}
    return _first(lambda name: _unlike(given.get(name), expected[name], name), expected)


def _training(content: dict[str, Any], classifier: MNISTClassifier) -> dict[str, Any]:
    """The states of an optimiser and a schedule after a step."""
    parameters = list(classifier.parameters())
    adam = KerasAdam([torch.zeros(1)], classifier.lr)  # its options are what counts
    schedules = []
    if classifier.schedule == "one_cycle":
        steps = content["lr_schedulers"][0]["total_steps"]
        schedules = [OneCycleLR(adam, classifier.lr, steps, cycle_momentum=False).state_dict()]
    moments = {
        index: {"step": torch.zeros(()), "exp_avg": weight, "exp_avg_sq": weight}
        for index, weight in enumerate(parameters)
    }
    state = adam.state_dict()
    numbers = range(len(parameters))
    groups = [{**group, "t": 1, "params": numbers} for group in state["param_groups"]]
    return {
        "optimizer_states": [{"state": moments, "param_groups": groups}],
        "lr_schedulers": schedules,
    }


def _unlike(given: Any, expected: Any, name: str) -> str:
    """Say where two nests differ in kind: keys, lengths, shapes, types, or values of no number."""
    if isinstance(expected, Tensor):
        return _unlike_tensor(given, expected, name)
    if isinstance(expected, range):  # exactly these
        return "" if given == list(expected) else f"{name} are not {len(expected)} in order"
    if isinstance(expected, dict):
        if not isinstance(given, dict) or given.keys() != expected.keys():
            return _unlike_keys(given, expected, name)
        return _first(lambda key: _unlike(given[key], expected[key], f"{name}.{key}"), expected)
    if isinstance(expected, list | tuple):
        if not isinstance(given, list | tuple) or len(given) != len(expected):
            return f"{name} is not {len(expected)} values"
        return _first(lambda i: _unlike(given[i], expected[i], f"{name}.{i}"), range(len(expected)))
    if isinstance(expected, int | float) and not isinstance(expected, bool):
        number = isinstance(given, int | float) and isfinite(given)
        return "" if number else f"{name} is {given}, no number"
    return "" if given == expected else f"{name} is {given}, not {expected}"


def _unlike_tensor(given: Any, expected: Tensor, name: str) -> str:
    shape = tuple(given.shape) if isinstance(given, Tensor) else None
    if shape != tuple(expected.shape):
        return f"{name} has shape {shape}, the network {tuple(expected.shape)}"
    if given.is_floating_point() != expected.is_floating_point():
        return f"{name} is {given.dtype}, in the network {expected.dtype}"
    return ""


def _unlike_keys(given: Any, expected: dict[Any, Any], name: str) -> str:
    if not isinstance(given, dict):
        return f"{name} is missing"
    for key in [*expected, *given]:
        if key not in given:
            return f"{name}.{key} is missing"
        if key not in expected:
            return f"{name}.{key} is not the network's"
    return ""


def _first(find: Callable[[Any], str], places: Iterable[Any]) -> str:
    """What is found first."""
    return next((found for place in places if (found := find(place))), "")
