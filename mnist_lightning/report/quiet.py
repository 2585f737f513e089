"""A trainer that writes nothing and says little."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from lightning import Callback, Trainer


def quiet_trainer(epochs: int, *callbacks: Callback) -> Trainer:
    """A trainer that writes nothing; it shows a progress bar on a terminal alone."""
    return Trainer(
        devices=1,
        max_epochs=epochs,
        callbacks=[*callbacks],
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=sys.stdout.isatty(),
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out Lightning's notes and advertisements, and have Ctrl-C do what it does elsewhere."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            # a batch from memory costs less than handing it over from a worker process; and what
            # Lightning asks torch in an old way is nothing that a user could mend
            for words in ("does not have many workers", "treespec, LeafSpec"):
                warnings.filterwarnings("ignore", message=f".*{words}.*")
            yield
    except SystemExit as ended:
        if not isinstance(interrupt := ended.__context__, KeyboardInterrupt):
            raise
        raise interrupt from None  # Lightning would end the program
    finally:
        logger.setLevel(level)
