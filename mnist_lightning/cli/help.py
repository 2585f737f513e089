"""The help: what each command does, its own options, examples and recipes, on one screen."""

import json
import shutil
import textwrap
from difflib import get_close_matches

from mnist_lightning import PROGRAM, __version__
from mnist_lightning.cli.commands import (
    EXAMPLES,
    OPTIONS,
    RECIPES,
    SUMMARIES,
    SYNONYMS,
    TRAINER_COMMANDS,
)
from mnist_lightning.cli.known_options import read_options
from mnist_lightning.errors import UsageError


def find_command(arguments: list[str]) -> str:
    """The command of a line; "" where there is none.

    Raises:
        UsageError: There is no such command.
    """
    if not arguments or arguments[0].startswith("-"):
        return ""
    if (command := arguments[0]) in SUMMARIES:
        return command
    near = [SYNONYMS.get(command), *get_close_matches(command, SUMMARIES, n=1)]
    hint = next((f"Did you mean {each}? " for each in near if each), "")
    raise UsageError(f"{command}: no such command. {hint}There are {', '.join(SUMMARIES)}")


def help_page(arguments: list[str]) -> str:
    """The help that a command line asks for; "" if it asks for none, or for all options."""
    command = find_command(arguments)
    if not {"-h", "--help"} & {*arguments} and arguments:
        return ""
    width = min(shutil.get_terminal_size().columns, 100) - 1
    page = _command_page(command, width) if command else _program_page(width)
    return "\n".join(page)


def _program_page(width: int) -> list[str]:
    return [
        f"{PROGRAM} {__version__}: the Keras CNN for MNIST in PyTorch Lightning.",
        "",
        f"usage: {PROGRAM} COMMAND [OPTIONS]",
        "",
        "Commands:",
        *_table(SUMMARIES, width),
        "",
        *_examples(""),
        "",
        *textwrap.wrap(
            "COMMAND --help shows a command's own options, COMMAND --help-all every one. "
            "--version shows the version, --debug the traceback of an error.",
            width,
        ),
    ]


def _command_page(command: str, width: int) -> list[str]:
    positional = {
        "predict": " [PICTURES]",
        "import-keras": " MODEL CHECKPOINT",
        "export-keras": " CHECKPOINT MODEL",
    }
    usage = f"usage: {PROGRAM} {command}{positional.get(command, '')} [OPTIONS]"
    page = [usage, "", *textwrap.wrap(SUMMARIES[command], width), "", "Options:"]
    page += [*_table(_described(command), width), "", *_examples(command), ""]
    if command == "fit":
        page += ["Recipes, for --config, in the project's folder:", *_table(RECIPES, width), ""]
    others = ", those of Lightning's Trainer too" if command in TRAINER_COMMANDS else ""
    return page + textwrap.wrap(f"--help-all shows every option{others}.", width)


def _described(command: str) -> dict[str, str]:
    """What to say of each option, with its default."""
    found = read_options()
    texts = OPTIONS.get(command) or found["help"][command]
    defaults, dashes = found[command], "" if command.endswith("keras") else "--"
    described = {}
    for name, text in texts.items():
        default = defaults.get(name)
        shown = default if isinstance(default, str) else json.dumps(default)
        described[f"{dashes}{name}"] = text if default in (None, "") else f"{text} Default: {shown}"
    return described


def _table(texts: dict[str, str], width: int) -> list[str]:
    """Names beside their texts, or above them on a narrow terminal."""
    column = min(max(map(len, texts)) + 4, 27)
    lines = []
    for name, text in texts.items():
        first = f"  {name}".ljust(column)
        wrapped = textwrap.wrap(text, max(width - column, 20))
        if len(name) > column - 4:
            lines.append(first)
            first = " " * column
        lines += [first + wrapped[0], *(" " * column + line for line in wrapped[1:])]
    return lines


def _examples(command: str) -> list[str]:
    return ["Examples:", *(f"  {PROGRAM} {example}" for example in EXAMPLES[command])]
