"""Plain values, the only ones beside tensors that a checkpoint can hold and be read again."""

from collections.abc import Mapping, Sequence, Set
from enum import Enum
from numbers import Integral, Number
from pathlib import PurePath
from typing import Any

KINDS = (bool, int, float, str)


def plain(value: Any) -> Any:
    """Turn numbers, arrays, sequences and paths of any library into Python's own, and lists.

    What has no such form, such as a function or a module, is given back as it is.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "tolist"):  # NumPy's and torch's
        return value.tolist()
    if isinstance(value, Mapping):
        return {plain(name): plain(each) for name, each in value.items()}
    for kind in KINDS:
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Number) and not isinstance(value, complex):  # Decimal, Fraction
        return int(value) if isinstance(value, Integral) else float(value)  # type: ignore[arg-type]
    if isinstance(value, Sequence | Set) and not isinstance(value, bytes):
        return [plain(each) for each in value]
    return value


def is_plain(value: Any) -> bool:
    """True if a checkpoint that holds the value can be read."""
    if isinstance(value, list):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(is_plain([name, each]) for name, each in value.items())
    return value is None or type(value) in KINDS
