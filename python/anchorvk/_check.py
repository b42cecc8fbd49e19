"""Checks of arguments before they reach ctypes, which cuts integers to the size of
the field, takes True for 1 and text up to its first zero, all in silence."""

from __future__ import annotations

import difflib
import math
import numbers
import operator
import os
from typing import Any, Iterable, Optional, Union

import numpy as np

MAX_INT32 = 2**31 - 1
MAX_UINT64 = 2**64 - 1

LAYOUTS = {"bhsd": 0, "bshd": 1}  # AVK_LAYOUT_BHSD, AVK_LAYOUT_BSHD


def _kind(value: object) -> str:
    return f"{type(value).__name__} {value!r}"[:80]


def integer(name: str, value: Any, low: int, high: int) -> int:
    """A whole number of Python's, numpy's or of what else can be an index; no bool."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, not {_kind(value)}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {_kind(value)}") from None
    if not low <= number <= high:
        raise ValueError(f"{name} is {number}; use {low} to {high}")
    return number


def real(name: str, value: Any, infinite: bool = False) -> float:
    """A number: not NaN, and infinity only where that means something."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {_kind(value)}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name} is {value}; that is more than a float holds") from None
    if math.isnan(number) or (math.isinf(number) and not infinite):
        raise ValueError(f"{name} is {number}; use a {'number' if infinite else 'finite number'}")
    return number


def flag(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, not {_kind(value)}")
    return bool(value)


def text(name: str, value: Optional[str], optional: bool = True) -> Optional[bytes]:
    """Text for C; None stays None where it is optional."""
    if value is None and optional:
        return None
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {_kind(value)}")
    if "\0" in value:
        raise ValueError(f"{name} is {value!r}; text cannot hold a zero character")
    return value.encode()


def path(name: str, value: Union[str, os.PathLike[str], None]) -> Optional[bytes]:
    return text(name, os.fspath(value) if isinstance(value, os.PathLike) else value)


def names(name: str, value: Union[str, Iterable[str], None]) -> Optional[bytes]:
    """Names as C takes them, with commas; a single str is such a list already."""
    if value is None or isinstance(value, str):
        return text(name, value)
    return b",".join(text(f"{name}[{i}]", each) or b"" for i, each in enumerate(value))


def choice(name: str, value: Any, known: dict[str, int]) -> int:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{name} is {value!r}; use one of {', '.join(map(repr, known))}")
    return known[value]


def layout(value: Optional[str]) -> int:
    return LAYOUTS["bhsd"] if value is None else choice("layout", value, LAYOUTS)


def keywords(function: str, given: Iterable[str], known: Iterable[str], needed: Iterable[str] = ()) -> None:
    """Refuses keyword arguments that a function does not have, and tells those that it lacks."""
    given, known = list(given), list(known)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {close[0]}?" if close else f"it takes {', '.join(known)}"
            raise TypeError(f"{function} has no argument {name}; {hint}")
    missing = [name for name in needed if name not in given]
    if missing:
        raise TypeError(f"{function} needs {', '.join(missing)}")


PLAIN = (np.ndarray, np.memmap)


def plain(name: str, array: Any) -> Any:
    """Refuses arrays whose elements are not all of their meaning: a mask, a unit, a matrix
    product or Python objects would be left out of account."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, and attention knows no masks; fill it (numpy.ma.filled) where nothing is masked")
    if isinstance(array, np.ndarray):
        if type(array) not in PLAIN:
            raise TypeError(f"{name} is a {type(array).__name__}, not a plain numpy array; pass numpy.asarray({name}) where its elements alone count")
        if array.dtype.hasobject:
            raise TypeError(f"{name} holds Python objects ({array.dtype}), not numbers")
    return array
