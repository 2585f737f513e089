"""The settings of a run, and those of them that its checkpoint or its data decide."""

import re
from pathlib import Path
from typing import Any

from mnist_lightning.checkpoints.checkpoint import Checkpoint
from mnist_lightning.data.datasets import find_source, stored_name
from mnist_lightning.errors import UsageError

MADE = "the checkpoint was made with"


def settings(config: Any, group: str) -> Any:
    """The options of a group, also where its class is named."""
    found = config[group]
    return found.get("init_args", {}) if "class_path" in found else found


def names_no_code(value: Any) -> bool:
    """Whether a setting of a checkpoint can name neither a class nor a file to read one from."""
    if isinstance(value, list | tuple):
        return all(map(names_no_code, value))
    if isinstance(value, str):
        return re.fullmatch(r"[\w -]*", value) is not None
    return value is None or isinstance(value, int | float)


def follow_data(config: Any) -> dict[str, Any]:
    """Give the model as many classes as the data has, unless a number is given."""
    data, model = (settings(config, group) for group in ("data", "model"))
    if "dataset" not in data or "num_classes" not in model or "class_path" in config.model:
        return {}  # of another class than ours
    try:
        source = find_source(data["dataset"], data["split"], Path(data["data_dir"]))
    except ValueError as error:
        raise UsageError(str(error)) from error
    count = len(source.classes)
    return {"model.num_classes": count} if count != model["num_classes"] else {}


def follow_checkpoint(config: Any, checkpoint: Checkpoint) -> dict[str, Any]:
    """Give model and data the settings of a checkpoint; a seed follows seed_everything."""
    groups = {"model": checkpoint.model, "data": {**checkpoint.data}}
    groups["data"].pop("seed", None)
    defaults: dict[str, Any] = {}
    for group, stored in groups.items():
        harmless = {name: value for name, value in stored.items() if names_no_code(value)}
        if "class_path" not in config[group]:
            defaults |= {f"{group}.{name}": value for name, value in harmless.items()}
            continue
        known = settings(config, group)
        harmless = {name: value for name, value in harmless.items() if name in known}
        defaults[group] = {"class_path": config[group].class_path, "init_args": harmless}
    return defaults


def check_settings(config: Any, checkpoint: Checkpoint, with_data: bool) -> None:
    """Refuse options of the model, and of the data if asked, that a checkpoint cannot follow."""
    groups = {"model": checkpoint.model, "data": checkpoint.data if with_data else {}}
    for group, wanted in groups.items():
        options = settings(config, group)
        for name, stored in wanted.items():
            given = options.get(name, stored)
            if name == "dataset":
                given = stored_name(given)
            elif name == "normalize" and given == "standard" and not isinstance(stored, str):
                given = options[name] = stored  # measured then, from the training images
            first, second = (list(x) if isinstance(x, tuple) else x for x in (given, stored))
            if first != second:
                option = "seed_everything" if name == "seed" else f"{group}.{name}"
                raise UsageError(f"{option} is {given}, but {MADE} {stored}")
