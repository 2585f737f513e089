"""What is wrong with a command line, in one line."""

import re
from itertools import pairwise
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser

from mnist_lightning.cli.known_options import suggest
from mnist_lightning.errors import UsageError

# What the user can give where jsonargparse 4 names a type
TYPES: dict[str, Any] = {
    r"<class '(?:\w+\.)*(\w+)'>": r"\1",
    r".*Literal\[(.*)\]": lambda choices: choices[1].replace(", ", " or "),
    r"^int\b": "an integer",
    r"^float\b": "a number",
    r"^bool\b": "true or false",
    r"^NoneType": "null",
    r"^(list|tuple|Sequence|Iterable)\b": "a list",
    r".*import path.*": "the path of a class",
}

# And what it says of a class, or of a function that makes an object
WRONG_CLASS = (
    r"(Import path|Problem with given class_path|Multiple subclasses) .+?(?= - )"
    r"|(?<=callable class: ).+?(?=\. Got value| - Expected a <class 'NoneType')"
)


def parse(parser: ArgumentParser, args: list[str], *parsers: ArgumentParser) -> Any:
    """Parse a command line, or raise a UsageError with the option, its value and what is allowed.

    The options of ``parsers`` are suggested for one that is not known.
    """
    try:
        return parser.parse_args(args)
    except (ArgumentError, UnicodeDecodeError) as error:
        message = " ".join(str(error).split())
        files = [arg for option, arg in pairwise(args) if option in ("--config", "-c")]
        if files and 'key "config": File does not exist' in message:
            message = f"config is {files[-1]}: there is no such file"
        elif files and re.search("parsing config|Unexpected config|codec can't decode", message):
            message = f"config is {files[-1]}: not a YAML file of options"
        else:
            options = {name for each in parsers for name in each.get_defaults().keys()}  # noqa: SIM118
            # argparse names options that are required as if they were none
            start, required, names = message.partition("arguments are required: ")
            named = (
                f"--{x}" if f"--{x} " in parser.format_usage() else x for x in names.split(", ")
            )
            message = start + required + ", ".join(named)
            unknown = re.search(r"unrecognized arguments: (-*[^\s=]+)", message)
            message = _shorten(message) + (suggest(unknown[1], options) if unknown else "")
        raise UsageError(message) from error


def own_words(error: BaseException) -> str:
    """What the constructor of a class said, in place of what jsonargparse makes of it."""
    wrapped = re.search(r"class_path='([^']+)'", str(error))
    while wrapped and "Does not validate" in str(error) and error.__cause__:
        error = error.__cause__
    return f"{wrapped[1]}: {error}" if wrapped else str(error)


def _shorten(message: str) -> str:
    """Shorten what jsonargparse says of a value that fits none of an option's types."""
    option = re.match(r'Parser key "(.+?)":', message)
    value = re.search(r"(?:Got|Given) value: (.*)", message)
    types = re.findall(r"Expected an? (?!path)(.+?)(?=\. Got value| - | Given value)", message)
    if not option or not value or not types:
        return message
    if wrong_class := re.search(WRONG_CLASS, message):
        return f"{option[1]}: {wrong_class[0]}"
    for pattern, name in TYPES.items():
        types = [re.sub(pattern, name, each) for each in types]
    return f"{option[1]} is {value[1]}: must be {' or '.join(dict.fromkeys(types))}"
