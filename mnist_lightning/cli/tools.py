"""Subcommands that need no trainer: plain functions as command lines.

Arguments that a function takes by keyword alone are options; the others have their place.
"""

from collections.abc import Callable, Sequence

from jsonargparse import ArgumentParser

from mnist_lightning.cli.usage import parse
from mnist_lightning.export.export import export
from mnist_lightning.export.keras import export_keras, import_keras
from mnist_lightning.handwriting.draw import draw

TOOLS: dict[str, Callable[..., None]] = {
    "draw": draw,
    "export": export,
    "import-keras": import_keras,
    "export-keras": export_keras,
}


def run_tool(name: str, args: Sequence[str], prog: str) -> None:
    """Parse the arguments of a tool and run it."""
    parser = _parser(name, prog)
    TOOLS[name](**parse(parser, list(args), parser))


def _parser(name: str, prog: str) -> ArgumentParser:
    tool = TOOLS[name]
    summary = (tool.__doc__ or "").partition("\n")[0]
    parser = ArgumentParser(prog=f"{prog} {name}", description=summary, exit_on_error=False)
    parser.add_function_arguments(tool, as_positional=True, as_group=False)
    return parser
