"""The options of each command, known before the libraries that define them are loaded.

``options.json`` holds them as jsonargparse finds them, for one release of Lightning; with another
one nothing is refused here. ``python -m mnist_lightning.cli.known_options`` writes it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from mnist_lightning.errors import UsageError

FILE = Path(__file__).with_name("options.json")
OPTION = re.compile(r"--([\w.-]+?)\+?")
LEFT = ("help", "print_config", "evaluation", "data.seed")  # which the parsers themselves answer


@cache
def read_options() -> dict[str, Any]:
    """Read the release of Lightning, and of each command the default of every option."""
    return dict(json.loads(FILE.read_text(encoding="utf-8")))


def options_of(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options among arguments with their values, as ``--option value`` or ``--option=value``."""
    for argument, following in pairwise([*arguments, ""]):
        name, equals, value = argument.partition("=")
        if name.startswith("--"):
            yield name, value if equals else following


def part_positional(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Part arguments into those that are no options, and the options with their values."""
    positional: list[str] = []
    options: list[str] = []
    for before, argument in pairwise(["", *arguments]):
        is_value = before.startswith("--") and "=" not in before
        (options if is_value or argument.startswith("-") else positional).append(argument)
    return positional, options


def check_options(command: str, arguments: Sequence[str]) -> None:
    """Refuse an option that the command does not have, and name the nearest one.

    What belongs to a class that the user names is left to whoever loads that class.
    """
    options = read_options()
    if command not in options or options["lightning"] != version("lightning"):
        return
    known = options[command]
    for name, value in options_of(arguments):
        option = OPTION.fullmatch(name)
        if option and not _may_be(option[1], known) and not _of_own_class(option[1], arguments):
            given = name if not value or value.startswith("-") else f"{name} {value}"
            raise UsageError(f"unrecognized arguments: {given}{suggest(name, known)}")


def suggest(name: str, options: Iterable[str]) -> str:
    """Name the options nearest to one that is not known; "" if none is near."""
    option = name.lstrip("-")
    options = [f"--{each}" for each in options]
    inside = [each for each in sorted(options) if each.endswith(option)]
    near = sorted(inside, key=len)[:2] or get_close_matches(f"--{option}", options, n=1)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _may_be(name: str, known: Iterable[str]) -> bool:
    """Whether it is an option, a group of options, or below one that takes a class."""
    if name in LEFT or name.endswith((".help", ".class_path")):
        return True
    return any(f"{name}.".startswith(f"{x}.") or x.startswith(f"{name}.") for x in known)


def _of_own_class(name: str, arguments: Sequence[str]) -> bool:
    """Whether it belongs to a class that the user names for the model or the data."""
    from mnist_lightning.cli.classes import GROUPS, names_class

    group = name.partition(".")[0]
    return group in GROUPS and names_class(arguments, group)


def collect_options() -> dict[str, Any]:
    """Ask the parsers for what ``options.json`` holds."""
    from mnist_lightning.cli.commands import TOOLS
    from mnist_lightning.cli.tools import tool, tool_parser
    from mnist_lightning.cli.trainer_command import command_parsers

    parsers = {**command_parsers(), **{name: tool_parser(name) for name in TOOLS}}
    found: dict[str, Any] = {"lightning": version("lightning")}
    for name, parser in parsers.items():
        defaults = parser.get_defaults()
        found[name] = {}
        for option in defaults.keys():  # noqa: SIM118
            group, of_class, _ = option.partition(".class_path")
            group = group.partition(".init_args.")[0]
            found[name][group] = None if group != option or of_class else defaults[option]
    found["help"] = {name: _described(tool(name)) for name in TOOLS}
    return dict(json.loads(json.dumps(found, default=str)))  # tuples are lists in JSON


def _described(function: Any) -> dict[str, str]:
    """What the docstring of a function says of its parameters."""
    from docstring_parser import parse

    parameters = parse(function.__doc__).params
    return {x.arg_name: " ".join((x.description or "").split()) for x in parameters}


if __name__ == "__main__":
    FILE.write_text(json.dumps(collect_options(), indent=1) + "\n", encoding="utf-8")
