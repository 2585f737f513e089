"""The errors that end the program, each with its exit code; their text is one line."""


class Error(Exception):
    """Base class: what was asked for cannot be done."""

    exit_code = 2


class UsageError(Error):
    """The command line, an option or a configuration file cannot be used."""


class OutputError(UsageError):
    """A file cannot be written as asked."""


class KerasError(UsageError):
    """A model cannot be imported from Keras, or exported to it."""


class DataError(Error):
    """The images cannot be had, or are not what they should be."""

    exit_code = 3


class UnreachableError(DataError):
    """No mirror gave the files."""


class CheckpointError(Error):
    """A checkpoint is missing, damaged, or of another network."""

    exit_code = 4


class UnknownClassError(CheckpointError):
    """A checkpoint is of a class that must be named to open it."""


class TrainingError(Error):
    """Training cannot go on."""

    exit_code = 5


def printable(text: str) -> str:
    r"""Escape control characters and lone surrogates, as \\x1b and the like."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
