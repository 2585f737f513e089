"""What is wrong with a command line, in one line."""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser

from mnist_lightning.errors import UsageError

TYPE_NAMES = {
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "NoneType": "null",
    **dict.fromkeys(("list", "tuple", "Sequence", "Iterable"), "a list"),
}


def parse(parser: ArgumentParser, args: list[str], options: Callable[[], Iterable[str]]) -> Any:
    """Parse a command line.

    Args:
        parser: Of the whole program.
        args: The arguments.
        options: Gives the names of all options, to suggest one of.

    Raises:
        UsageError: It names the option, its value and what is allowed.
    """
    try:
        return parser.parse_args(args)
    except (ArgumentError, UnicodeDecodeError) as error:
        known = set(options())
        files = [arg for option, arg in pairwise(args) if option in ("--config", "-c")]
        if files and 'key "config": File does not exist' in str(error):
            raise UsageError(f"config is {files[-1]}: there is no such file") from error
        unread = isinstance(error, UnicodeDecodeError) or re.search(
            "parsing config|Unexpected config", str(error)
        )
        if unread and files:
            raise UsageError(f"config is {files[-1]}: not a YAML file of options") from error
        message = _as_options(reworded(str(error)), known) + _suggestion(str(error), known)
        raise UsageError(message) from error


def options_of(parser: ArgumentParser) -> list[str]:
    """Names of a parser's options, as they are given."""
    names = parser.get_defaults().keys()
    return [f"--{name}" for name in names]


def reworded(message: str) -> str:
    """Say in short what jsonargparse 4 says of a value that fits none of an option's types."""
    message = " ".join(message.split())
    option = re.match(r'Parser key "(.+?)":', message)
    value = re.search(r"(?:Got|Given) value: (.*)", message)
    types = re.findall(r"Expected an? (?!path)(.+?)(?=\. Got value| - | Given value)", message)
    if not option or not value:
        return message
    if wrong_class := re.search(r"(Import path|Problem with given class_path) .+?(?= - )", message):
        return f"{option[1]}: {wrong_class[0]}"
    if not types:
        return message
    allowed = " or ".join(dict.fromkeys(map(_type_name, types)))
    return f"{option[1]} is {value[1]}: must be {allowed}"


def _type_name(described: str) -> str:
    """Bring ``<class 'int'>`` and ``typing.Literal['a', 'b']`` to what the user can give."""
    if choices := re.search(r"Literal\[(.*)\]", described):
        return choices[1].replace(", ", " or ")
    if "import path" in described:
        return "the path of a class"
    name, _, more = re.sub(r"<class '(?:\w+\.)*(\w+)'>", r"\1", described).partition(" ")
    return f"{TYPE_NAMES.get(name, name)} {more}".strip()


def _as_options(message: str, known: Iterable[str]) -> str:
    """Write options that are missing as they are given."""
    start, required, names = message.partition("arguments are required: ")
    options = {option.lstrip("-"): option for option in known}
    return start + required + ", ".join(options.get(name, name) for name in names.split(", "))


def _suggestion(error: str, known: Iterable[str]) -> str:
    """Name the options nearest to one that is not known."""
    _, _, rest = error.partition("unrecognized arguments: ")
    if not rest.strip():
        return ""
    name = rest.split()[0].lstrip("-").partition("=")[0]
    inside = sorted((len(option), option) for option in known if option.endswith(name))
    near = [option for _, option in inside[:2]] or get_close_matches(f"--{name}", known, n=1)
    return f"; did you mean {' or '.join(near)}?" if near else ""
