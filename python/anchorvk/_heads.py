"""The guard, and modes of single query heads."""

from __future__ import annotations

import collections.abc
from typing import Any, Sequence, Union

from . import _check as check
from ._library import Head, PlanInfo

PRESET = "preset"
"""The guard of the preset."""

Guard = Union[str, None, Sequence[float]]
Heads = Sequence[Union[str, float, None]]

MODES = {"default": 0, "dense": 2, "anchor_only": 3}
ANCHOR = 1


def set_guard(info: PlanInfo, guard: Guard) -> None:
    """None turns the guard off; (stride, peak, limit) sets it."""
    if isinstance(guard, str):
        if guard != PRESET:
            raise ValueError(f"guard is {guard!r}; use (stride, peak, limit), such as (32, 0.01, 0.02), or None for no guard")
        return
    if guard is None:
        info.guard_stride, info.guard_peak, info.guard_limit = 0, 0, 0
        return
    if not isinstance(guard, (tuple, list)):
        raise TypeError(f"guard must be (stride, peak, limit), such as (32, 0.01, 0.02), or None, not {type(guard).__name__} {guard!r}")
    if len(guard) != 3:
        raise ValueError(f"guard has {len(guard)} numbers; use (stride, peak, limit), such as (32, 0.01, 0.02)")
    info.guard_stride = check.integer("guard[0]", guard[0], 1, check.MAX_INT32)
    info.guard_peak = check.real("guard[1]", guard[1])
    info.guard_limit = check.real("guard[2]", guard[2])


def _head(name: str, value: Any) -> Head:
    if value is None:
        return Head()
    if isinstance(value, str):
        if value not in MODES:
            raise ValueError(f"{name} is {value!r}; use a theta or one of {', '.join(map(repr, MODES))}")
        return Head(mode=MODES[value])
    theta = check.real(name, value, infinite=True)
    return Head(mode=ANCHOR, theta=theta)


def set_heads(info: PlanInfo, heads: Any) -> None:
    """One of each query head: a theta, "dense", "anchor_only", or None for what the plan has."""
    if heads is None:
        return
    unordered = (str, bytes, collections.abc.Mapping, collections.abc.Set)  # a dict is walked by its keys, a set in any order
    if isinstance(heads, unordered) or not hasattr(heads, "__len__"):
        raise TypeError(f"head_modes must be a list with one entry for each query head, not {type(heads).__name__}")
    if len(heads) != info.heads:
        raise ValueError(f"head_modes has {len(heads)} entries; give one for each of the {info.heads} query heads")
    info.head_modes = (Head * len(heads))(*(_head(f"head_modes[{i}]", h) for i, h in enumerate(heads)))
    info.head_mode_count = len(heads)
