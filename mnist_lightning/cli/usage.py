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
    r"^str\b": "text",
    r"^NoneType": "null",
    r"^(list|tuple|Sequence|Iterable)\b": "a list",
    r".*import path.*": "the name of a class",
}

# And what it says of a class, or of a function that makes an object: a block of deeper lines
OF_CLASS = re.compile(
    r"^( *)(?:- )?(?:Type .+? callable class: |Problem with given class_path '([^']+)':)"
    r"(.*\n(?:\1 +.*\n|\n)*)",
    re.MULTILINE,
)
WRONG_CLASS = re.compile(
    r"Import path (?:(?P<path>\S+) )?does not correspond to a subclass of (?P<base>\w+)"
    r"|Expected '(?P<given>.+?)' to be a subclass of <class '(?:\w+\.)*(?P<type>\w+)'>"
)
SEVERAL = re.compile(r"Multiple subclasses .+?(?=\. Got value| - |$)")

# What Lightning says of a word that it does not know
LIGHTNING = {
    r".*invalid \w+ name: `(\w+)='(.+?)'`\..*(?:choices|names are): (.+?)(?:, \.\.\. .*)?$": (
        r"trainer.\1 is \2: must be such as \3"
    ),
    r".*`(\w+)` parameter of `Trainer`, it can only be one of \[(.*)\].*": (
        r"trainer.\1: must be one of \2"
    ),
}


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
            if unknown:
                message += suggest(unknown[1], options)
            elif message.startswith("Parser key"):
                message = _shorten(f"{error}\n")
        raise UsageError(message) from error


def own_words(error: BaseException) -> str:
    """What the constructor of a class said, in place of what jsonargparse makes of it."""
    wrapped = re.search(r"class_path='([^']+)'", str(error))
    while wrapped and "Does not validate" in str(error) and error.__cause__:
        error = error.__cause__
    said = " ".join(str(error).split())
    for pattern, ours in LIGHTNING.items():
        said = re.sub(pattern, ours, said)
    return f"{wrapped[1]}: {said}" if wrapped else said


def _shorten(message: str, option: str = "") -> str:
    """Shorten what jsonargparse says of a value that an option cannot take."""
    if key := re.match(r'\s*Parser key "(.+?)":', message):
        option = f"{option}.{key[1]}" if option else key[1]
    flat = " ".join(message.split())
    value = re.search(r"(?:Got|Given) value: (.*)", flat)
    if wrong := WRONG_CLASS.search(flat):
        path = wrong["path"] or wrong["given"] or (value and value[1])
        return f"{option} is {path}: must be a subclass of {wrong['base'] or wrong['type']}"
    if several := SEVERAL.search(flat):
        return f"{option}: {several[0]}"
    if of_class := OF_CLASS.search(message):
        return _of_class(option, message, of_class)
    types = re.findall(r"Expected an? (?!path)(.+?)(?=\. Got value| - | Given value)", flat)
    if not value or not types:
        return f"{option}: {flat.partition(': ')[2] if key else flat}"
    if "torch.Tensor" in flat:  # which a command line cannot hold
        types = [each for each in types if "import path" not in each]
    for pattern, name in TYPES.items():
        types = [re.sub(pattern, name, each) for each in types]
    return f"{option} is {value[1]}: must be {' or '.join(dict.fromkeys(types))}"


def _of_class(option: str, message: str, found: re.Match[str]) -> str:
    """Shorten what is said of a class, or of one of its options."""
    said = found[3].partition(". Got value: Namespace(")[0]
    path = found[2] or message.partition("class_path='")[2].partition("'")[0]
    kind = path.rpartition(".")[2]
    if "Parser key" in said:
        return _shorten(f"{said}\n", option)
    said = " ".join(said.split())
    if unknown := re.fullmatch("Option '(.+)' is not accepted", said):
        value = re.search(r"NestedArg\(key='.+?', val='?(.*?)'?\)\n", message)
        named = f"{option}.{unknown[1]}" + (f" is {value[1]}" if value else "")
        own = re.search(rf"Subtypes: .*\b{kind}\b", message)  # the type itself: none was named
        reason = f"must follow --{option} CLASS" if own else f"{kind} has no such option"
        return f"{named}: {reason}"
    if "arguments are required: " in said:
        return f"{option}.{said.partition('required: ')[2]}: must be given with {kind}"
    return f"{option} is {path}: {said}"
