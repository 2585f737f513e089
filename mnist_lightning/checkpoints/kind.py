"""The class that a checkpoint is opened with, by its import path."""

from pydoc import ErrorDuringImport, locate
from typing import TYPE_CHECKING

from mnist_lightning.errors import UsageError, printable

if TYPE_CHECKING:
    from lightning import LightningModule


def find_class(path: str | None) -> "type[LightningModule] | None":
    """Import a class that the user names; None without a name.

    Raises:
        UsageError: There is none, it cannot be imported, or it is no LightningModule.
    """
    if path is None:
        return None
    from lightning import LightningModule

    try:
        found = locate(path)
    except ErrorDuringImport as error:
        raise UsageError(f"model is {path}: {printable(str(error))}") from error
    if not isinstance(found, type) or not issubclass(found, LightningModule):
        raise UsageError(f"model is {path}: must be the import path of a LightningModule's class")
    return found
