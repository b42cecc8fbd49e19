"""Sampled rows, the guard, and modes of single query heads."""

from __future__ import annotations

import collections.abc
from typing import Any, Mapping, Sequence, Union

from . import _check as check
from ._library import Head, PlanInfo

PRESET = "preset"
"""What the preset has."""

Numbers = Union[str, None, Sequence[float]]
Heads = Sequence[Union[str, float, Mapping[str, float], None]]

MODES = {"default": 0, "dense": 2, "anchor_only": 3}
ANCHOR = 1


def _numbers(name: str, value: Any, names: str, example: str, counts: tuple[int, ...]) -> Union[Sequence[Any], None]:
    """The numbers of a tuple, or None to leave the preset's."""
    if isinstance(value, str):
        if value != PRESET:
            raise ValueError(f"{name} is {value!r}; use ({names}), such as {example}, or None for no {name}")
        return None
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{name} must be ({names}), such as {example}, or None, not {type(value).__name__} {value!r}")
    if len(value) not in counts:
        raise ValueError(f"{name} has {len(value)} numbers; use ({names}), such as {example}")
    return value


def set_guard(info: PlanInfo, guard: Numbers) -> None:
    """None turns the guard off; (stride, peak, limit) or (stride, peak, limit, look) sets it."""
    if guard is None:
        info.guard_stride, info.guard_peak, info.guard_limit, info.guard_look = 0, 0, 0, 0
        return
    numbers = _numbers("guard", guard, "stride, peak, limit, look", "(32, 0.01, 0.02, 4)", (3, 4))
    if numbers is None:
        return
    info.guard_stride = check.integer("guard[0]", numbers[0], 1, check.MAX_INT32)
    info.guard_peak = check.real("guard[1]", numbers[1])
    info.guard_limit = check.real("guard[2]", numbers[2])
    info.guard_look = check.integer("guard[3]", numbers[3], 0, check.MAX_INT32) if len(numbers) == 4 else 0


def set_sample(info: PlanInfo, sample: Numbers, weight: Any) -> None:
    """None leaves the choice of stripes to pooled rows and theta; (stride, weight) or (stride, weight, part) sets sampled rows.

    weight, where it is not None, goes before the one that they have.
    """
    if sample is None:
        info.sample_stride, info.sample_weight, info.sample_part = 0, 0, 0
    else:
        numbers = _numbers("sample", sample, "stride, weight, part", "(16, 0.2, 8)", (2, 3))
        if numbers is not None:
            info.sample_stride = check.integer("sample[0]", numbers[0], 1, check.MAX_INT32)
            info.sample_weight = check.real("sample[1]", numbers[1])
            info.sample_part = check.integer("sample[2]", numbers[2], 0, check.MAX_INT32) if len(numbers) == 3 else 0
    if weight is not None:
        info.sample_weight = check.real("weight", weight)


def _head(name: str, value: Any) -> Head:
    if value is None:
        return Head()
    if isinstance(value, str):
        if value not in MODES:
            raise ValueError(f"{name} is {value!r}; use a theta, {{'weight': 0.2}} or one of {', '.join(map(repr, MODES))}")
        return Head(mode=MODES[value])
    if isinstance(value, collections.abc.Mapping):
        if set(value) != {"weight"}:
            raise ValueError(f"{name} is {dict(value)!r}; use {{'weight': 0.2}}, or a number for a theta")
        return Head(mode=ANCHOR, weight=check.real(f"{name}['weight']", value["weight"]))
    return Head(mode=ANCHOR, theta=check.real(name, value, infinite=True))


def set_heads(info: PlanInfo, heads: Any) -> None:
    """One of each query head: a theta, {"weight": w} for sampled rows that choose, "dense", "anchor_only", or None for what the plan has."""
    if heads is None:
        return
    unordered = (str, bytes, collections.abc.Mapping, collections.abc.Set)  # a dict is walked by its keys, a set in any order
    if isinstance(heads, unordered) or not hasattr(heads, "__len__"):
        raise TypeError(f"head_modes must be a list with one entry for each query head, not {type(heads).__name__}")
    if len(heads) != info.heads:
        raise ValueError(f"head_modes has {len(heads)} entries; give one for each of the {info.heads} query heads")
    info.head_modes = (Head * len(heads))(*(_head(f"head_modes[{i}]", h) for i, h in enumerate(heads)))
    info.head_mode_count = len(heads)
