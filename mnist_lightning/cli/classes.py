"""Classes of the user in place of MNISTClassifier and MNISTDataModule on the command line."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from mnist_lightning.cli.known_options import options_of

if TYPE_CHECKING:
    from lightning import LightningModule

GROUPS = ("model", "data")


def names_class(args: Sequence[str], group: str) -> bool:
    """Whether arguments, or files of options among them, name a class for a group."""
    for option, value in _options(args):
        if option in (f"--{group}.class_path", f"--{group}.help"):
            return True
        if option == f"--{group}" and _is_class(_read(value)):
            return True
        if option == "--config":
            content = _read(value)
            sections = [content, *content.values()] if isinstance(content, dict) else []
            found = [each.get(group) for each in sections if isinstance(each, dict)]
            if any(map(_is_class, found)):
                return True
    return False


def classes_first(args: Sequence[str]) -> list[str]:
    """Bring ``--model`` and ``--data`` before the options of these classes."""
    first, rest = list(args[:1]), list(args[1:])
    for option in (f"--{group}" for group in GROUPS):
        for place, each in enumerate(rest):
            if each == option or each.startswith(f"{option}="):
                end = place + (1 if "=" in each else 2)
                first, rest = [*first, *rest[place:end]], [*rest[:place], *rest[end:]]
                break
    return first + rest


def predict_images_alone(module: "LightningModule") -> None:
    """Have a module without a ``predict_step`` of its own predict images, alone or in a batch.

    Lightning's step gives the network a whole batch, of which the labels are a part.
    """
    from lightning import LightningModule

    def predict_step(batch: Any) -> Any:
        return module(batch[0] if isinstance(batch, list | tuple) else batch)

    if type(module).predict_step is LightningModule.predict_step:
        module.predict_step = predict_step  # type: ignore[method-assign]


def _options(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options with their values; ``-c`` is one too."""
    return options_of(["--config" if each == "-c" else each for each in args])


def _read(value: str) -> Any:
    """What a file holds, or else the text itself, as YAML."""
    try:
        text = Path(value).read_text(encoding="utf-8") if Path(value).is_file() else value
        return yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _is_class(value: Any) -> bool:
    named = isinstance(value, str) and re.fullmatch(r"[^\W\d]\w*(\.\w+)*", value)
    return bool(named) or (isinstance(value, dict) and "class_path" in value)
