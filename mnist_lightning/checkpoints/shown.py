"""What a run shows, which never ends it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from lightning import Callback, Trainer
from lightning.pytorch.utilities import rank_zero_warn
from torch import nn

from mnist_lightning.errors import Error

HOOKS = ("setup", "on_", "write_on_")  # how their names begin
C = TypeVar("C", bound=type[Callback])

_left_out: WeakKeyDictionary[Trainer, set[str]] = WeakKeyDictionary()


def say(trainer: Trainer, line: str) -> None:
    """Print a line once, above the progress bar where there is one."""
    if not trainer.is_global_zero:
        return
    if bar := trainer.progress_bar_callback:
        bar.print(line)
    else:
        print(line, flush=True)


@contextmanager
def left_out(trainer: Trainer, part: str, *raised: type[Exception]) -> Iterator[None]:
    """Have what fails within cost the trainer one warning, but for errors that are to be raised."""
    try:
        yield
    except raised:
        raise
    except Exception as error:
        parts = _left_out.setdefault(trainer, set())
        if part not in parts:
            parts.add(part)
            rank_zero_warn(f"{part} is left out ({type(error).__name__}: {error})")


@contextmanager
def same_modes(module: nn.Module) -> Iterator[None]:
    """Leave each layer in training or in evaluation as it was, even where what shows it fails."""
    modes = [(each, each.training) for each in module.modules()]
    try:
        yield
    finally:
        for each, training in modes:
            each.training = training


def only_shows(callback: C) -> C:
    """Decorate a callback that only shows: a hook that fails is left out of the rest, and warns.

    Errors of this package, and of files, are raised.
    """
    for name, hook in list(vars(callback).items()):
        if name.startswith(HOOKS):
            setattr(callback, name, _guarded(hook, f"{callback.__name__}.{name}"))
    return callback


def _guarded(hook: Callable[..., None], part: str) -> Callable[..., None]:
    @wraps(hook)
    def guarded(callback: Callback, trainer: Trainer, *args: Any, **kwargs: Any) -> None:
        if part not in _left_out.get(trainer, ()):
            with left_out(trainer, part, Error, OSError):
                hook(callback, trainer, *args, **kwargs)

    return guarded
