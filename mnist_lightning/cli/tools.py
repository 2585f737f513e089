"""Commands that need no Trainer: functions whose parameters are their options."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from jsonargparse import ArgumentParser

from mnist_lightning import PROGRAM
from mnist_lightning.cli.commands import TOOLS
from mnist_lightning.cli.known_options import part_positional
from mnist_lightning.cli.usage import parse

if TYPE_CHECKING:
    from mnist_lightning.checkpoints.runs import Run


def run_tool(name: str, arguments: list[str]) -> "Run | None":
    """Run a tool; ``predict`` is one where it reads pictures, and gives a run."""
    if name == "predict":
        return _predict_pictures(arguments)
    parser = tool_parser(name)
    tool(name)(**parse(parser, arguments, parser))
    return None


def tool_parser(name: str) -> ArgumentParser:
    """The parser of a tool's options."""
    function = tool(name)
    summary = (function.__doc__ or "").partition("\n")[0]
    parser = ArgumentParser(prog=f"{PROGRAM} {name}", description=summary, exit_on_error=False)
    parser.add_function_arguments(function, as_positional=True, as_group=False)
    return parser


def tool(name: str) -> Callable[..., Any]:
    """The function of a command."""
    module = import_module(f"mnist_lightning.{TOOLS[name]}")
    return getattr(module, name.replace("-", "_"))  # type: ignore[no-any-return]


def _predict_pictures(arguments: list[str]) -> "Run":
    """Run ``predict`` on pictures, with those options of MNISTDataModule that need no Trainer."""
    from mnist_lightning.handwriting.predict import predict_pictures

    pictures, options = part_positional(arguments)
    parser = ArgumentParser(prog=f"{PROGRAM} predict", exit_on_error=False)
    parser.add_argument("--data.predict_path", type=str | None)
    parser.add_argument("--data.recursive", type=bool, default=False)
    parser.add_argument("--data.save_inputs", type=bool, default=False)
    parser.add_argument("--ckpt_path", type=str | None)
    given = parse(parser, options, parser)
    data = given.data
    paths = [*pictures, *([data.predict_path] if data.predict_path else [])]
    return predict_pictures(paths, given.ckpt_path, data.recursive, data.save_inputs)
