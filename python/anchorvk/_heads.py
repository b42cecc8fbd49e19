"""Sampled rows, the guard, and modes of single query heads."""

from __future__ import annotations

import collections.abc
import math
from typing import Any, Mapping, Sequence, Union

from . import _check as check
from ._library import Head, PlanInfo

PRESET = "preset"
"""What the preset has."""

Numbers = Union[str, None, Sequence[float]]
Heads = Sequence[Union[str, float, Mapping[str, float], None]]

LARGEST_PART = 64
LARGEST_LOOK = 15
SMALLEST_PEAK = 1e-6
SMALLEST = 2.0**-126  # that fp32 holds in full precision
SMALLEST_WEIGHT = 2.0**-95  # which fp32 holds in full precision when divided by any position
LARGEST = (2 - 2.0**-23) * 2.0**127

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


def _weight(name: str, value: Any) -> float:
    number = check.real(name, value)
    if number <= 0:
        raise ValueError(f"{name} is {number:g}; use a number above 0 such as 0.2")
    if not SMALLEST_WEIGHT <= number <= LARGEST:
        raise ValueError(f"{name} is {number:g}, outside of {SMALLEST_WEIGHT:.2g} to {LARGEST:.2g}; use a number such as 0.2")
    return number


def _probability(name: str, value: Any, low: float, example: float) -> float:
    number = check.real(name, value)
    if not low <= number <= 1:
        raise ValueError(f"{name} is {number:g}; use a probability from {low:g} to 1 such as {example}")
    return number


def set_guard(info: PlanInfo, guard: Numbers) -> None:
    """None turns the guard off; (stride, peak, limit) or (stride, peak, limit, look) sets it."""
    if guard is None:
        info.guard_stride, info.guard_peak, info.guard_limit, info.guard_look = 0, 0, 0, 0
        return
    numbers = _numbers("guard", guard, "stride, peak, limit, look", "(16, 0.01, 0.02, 4)", (3, 4))
    if numbers is None:
        return
    info.guard_stride = check.integer("guard[0]", numbers[0], 1, check.MAX_INT32)
    info.guard_peak = _probability("guard[1]", numbers[1], SMALLEST_PEAK, 0.01)
    info.guard_limit = _probability("guard[2]", numbers[2], 0, 0.02)
    info.guard_look = check.integer("guard[3]", numbers[3], 0, LARGEST_LOOK) if len(numbers) == 4 else 0


def set_sample(info: PlanInfo, sample: Numbers, weight: Any) -> None:
    """None leaves the choice of stripes to pooled rows and theta; (stride, weight) or (stride, weight, part) sets sampled rows.

    weight, where it is not None, goes before the one that they have; check_rows refuses
    one that no sampled rows use.
    """
    if sample is None:
        info.sample_stride, info.sample_weight, info.sample_part = 0, 0, 0
    else:
        numbers = _numbers("sample", sample, "stride, weight, part", "(16, 0.2, 8)", (2, 3))
        if numbers is not None:
            info.sample_stride = check.integer("sample[0]", numbers[0], 1, check.MAX_INT32)
            info.sample_weight = _weight("sample[1]", numbers[1])
            info.sample_part = check.integer("sample[2]", numbers[2], 0, LARGEST_PART) if len(numbers) == 3 else 0
    if weight is not None:
        info.sample_weight = _weight("weight", weight)


def set_theta(info: PlanInfo, theta: Any, sample: Numbers, weight: Any) -> None:
    """A theta has pooled rows choose, except infinite ones, which keep every key or none; None leaves the preset's way."""
    if theta is None:
        return
    info.theta = check.real("theta", theta, infinite=True)
    if weight is not None or (sample is not None and not isinstance(sample, str)):
        does = "has pooled rows choose the stripes" if math.isfinite(info.theta) else f"keeps {'every key' if info.theta > 0 else 'no key'}"
        raise ValueError(f"theta is {theta!r}, which {does}, beside {'sample' if weight is None else 'weight'}, which has sampled rows choose: give one of them")
    if math.isfinite(info.theta):
        set_sample(info, None, None)


def check_rows(info: PlanInfo, preset: str, profile: bool, sample: Numbers, weight: Any, theta: Any, guard: Numbers) -> None:
    """Refuses weights where no sampled rows use them, and a guard that looks at other rows than the sampled ones."""
    if info.sample_stride == 0:
        if theta is not None and math.isfinite(theta):
            why, instead = f"theta={theta!r} has pooled rows choose the stripes", "leave theta out"
        elif sample is None:
            why, instead = "sample=None has pooled rows choose the stripes", "give sample=(16, 0.2, 8)"
        else:
            why, instead = f"{preset} has pooled rows choose the stripes", "give sample=(16, 0.2, 8) or preset='safe'"
        if weight is not None:
            raise ValueError(f"weight is {weight!r}, which is of sampled rows, but {why}; {instead}, or theta in place of weight")
        for i in range(info.head_mode_count):
            if info.head_modes[i].weight != 0:
                name = f"the profile's weight of head {i}" if profile else f"head_modes[{i}]['weight']"
                raise ValueError(f"{name} is {info.head_modes[i].weight:g}, which is of sampled rows, but {why}; {instead}, or have a theta in its place")
    elif info.guard_stride not in (0, info.sample_stride):
        if guard is None or isinstance(guard, str):
            raise ValueError(f"sample[0] is {info.sample_stride}, but the guard looks at every {info.guard_stride}th row, and both use the same rows; give guard=({info.sample_stride}, {info.guard_peak:g}, {info.guard_limit:g}, {info.guard_look}) too, or guard=None")
        raise ValueError(f"guard[0] is {info.guard_stride}, but every {info.sample_stride}th row chooses the stripes, and the guard uses the same rows; use {info.sample_stride}, or give sample too")


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
        return Head(mode=ANCHOR, weight=_weight(f"{name}['weight']", value["weight"]))
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
