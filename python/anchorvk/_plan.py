"""Plans: what is to be computed, and how."""

from __future__ import annotations

import ctypes
import math
import json
from dataclasses import dataclass
from typing import Any, Optional

from . import _check as check
from ._heads import LARGEST, PRESET, SMALLEST, Heads, Numbers, check_rows, set_guard, set_heads, set_sample, set_theta
from ._library import Error, Memory, PlanInfo, StatsStruct, library
from ._object import Object
from ._profile import Profile, apply

MODES = {"anchor": 0, "dense": 1}


@dataclass(frozen=True)
class Stats:
    """What a run did. Times are in milliseconds; those of the GPU are 0 without timestamps."""

    total_ms: float
    anchor_ms: float
    identify_ms: float
    attention_ms: float
    host_ms: float
    own_ms: float
    computed_ratio: float
    stripe_ratio: float
    scratch_bytes: int
    slices: int
    selection_ratio: float  # what the choice of keys cost besides, in pairs / causal pairs
    guarded_ratio: float  # share of the (head, group)s whose candidates the guard kept
    missed_mass: float  # probability on missed peaks, as the guard measured it, in the mean over all rows
    mode: str  # what ran: "dense" also as a fallback
    warnings: tuple[str, ...] = ()  # what to know though the result is right, such as a chunk that begins inside a group

    @staticmethod
    def _of(s: StatsStruct, warnings: tuple[str, ...] = ()) -> Stats:
        fields = {name: getattr(s, name) for name in NUMBERS}
        return Stats(mode="dense" if s.mode else "anchor", warnings=warnings, **fields)


NUMBERS = [name for name in Stats.__dataclass_fields__ if name not in ("mode", "warnings")]


class Plan(Object):
    """Made by Engine.plan."""

    _close = "avk_plan_close"

    def __init__(self, engine: Any, info: PlanInfo) -> None:
        handle = ctypes.c_uint64()
        library.avk_plan_create(engine._handle, info, handle)
        super().__init__(handle.value, engine)
        self.q_shape = (info.batch, info.heads, info.q_len, info.head_dim)
        self.kv_shape = (info.batch, info.kv_heads, info.kv_len, info.head_dim)
        groups = -(-info.kv_len // (info.block * info.step))
        self.stripes_shape = (info.batch, info.heads, groups, info.kv_len)

    @property
    def details(self) -> dict[str, Any]:
        """The decisions: "runs", "fallback", "tier", predicted "cost", "scratch_bytes" and more."""
        found: dict[str, Any] = json.loads(library.text(library.avk_plan_text, self._handle, 1))
        return found

    @property
    def memory(self) -> dict[str, int]:
        """Device memory that a run takes, in bytes, by use; "total" is their sum without "stripes"."""
        m = Memory()
        library.avk_plan_memory(self._handle, m)
        return {name: getattr(m, name) for name, *_ in Memory._fields_ if name != "struct_size"}

    def __str__(self) -> str:
        return library.text(library.avk_plan_text, self._handle, 0)


UNSET: Any = object()  # no preset was named: the profile's, or safe


def _set_preset(info: PlanInfo, preset: Any) -> None:
    name = check.text("preset", preset, optional=False)
    try:
        library.avk_plan_preset(info, name)
    except Error as e:
        if e.name != "AVK_ERROR_ARGUMENT":
            raise
        raise ValueError(str(e)) from None  # which names those that there are


def _check_groups(info: PlanInfo) -> None:
    if info.block % 16:
        raise ValueError(f"block is {info.block}; use a multiple of 16 such as 128")
    for name in ("step", "sink_blocks", "window_blocks"):
        if getattr(info, name) > check.MAX_INT32 // info.block:
            raise ValueError(f"{name} is {getattr(info, name)}, which in blocks of {info.block} rows is more than {check.MAX_INT32} positions; use a smaller number")


def _scale(value: Any) -> float:
    number = check.real("scale", value)
    if number != 0 and not SMALLEST <= number * math.log2(math.e) <= LARGEST:
        raise ValueError(f"scale is {number:g}; use a positive number that fp32 holds, or 0 for head_dim**-0.5")
    return number


def plan_info(
    *,
    heads: int,
    kv_heads: int,
    q_len: int,
    kv_len: int,
    head_dim: int,
    batch: int = 1,
    mode: str = "anchor",
    preset: str = UNSET,
    profile: Optional[Profile] = None,
    layer: Optional[int] = None,
    theta: Optional[float] = None,
    step: Optional[int] = None,
    block: Optional[int] = None,
    sink_blocks: Optional[int] = None,
    window_blocks: Optional[int] = None,
    tail: Optional[int] = None,
    sample: Numbers = PRESET,
    weight: Optional[float] = None,
    guard: Numbers = PRESET,
    head_modes: Optional[Heads] = None,
    scale: float = 0,
    no_fallback: bool = False,
    tier: Optional[str] = None,
    slice_ms: float = 0,
    scratch_bytes: int = 0,
    stripe_share: float = 0,
    memory_budget: int = 0,
    device_tensors: bool = False,
) -> PlanInfo:
    info = PlanInfo()
    library.avk_plan_defaults(info)
    for name, value in (("batch", batch), ("heads", heads), ("kv_heads", kv_heads), ("q_len", q_len), ("kv_len", kv_len), ("head_dim", head_dim)):
        setattr(info, name, check.integer(name, value, 1, check.MAX_INT32))
    if profile is not None:
        if head_modes is not None:
            raise ValueError("head_modes and profile both say how heads are computed; give one of them")
        apply(info, profile, layer)
    elif layer is not None:
        raise ValueError("layer is the layer of a profile, and profile names none")
    if profile is None or preset is not UNSET:
        _set_preset(info, "safe" if preset is UNSET else preset)
    info.mode = check.choice("mode", mode, MODES)
    for name, value, low in (("step", step, 1), ("block", block, 16), ("sink_blocks", sink_blocks, 0), ("window_blocks", window_blocks, 0)):
        if value is not None:
            setattr(info, name, check.integer(name, value, low, check.MAX_INT32))
    if tail is not None:
        info.tail = check.integer("tail", tail, 0, check.MAX_INT32)
    _check_groups(info)
    set_sample(info, sample, weight)
    set_theta(info, theta, sample, weight)
    set_guard(info, guard)
    set_heads(info, head_modes)
    of = "the profile's preset" if preset is UNSET and profile is not None else f"preset={'safe' if preset is UNSET else preset!r}"
    check_rows(info, of, profile is not None, sample, weight, theta, guard)
    info.scale = _scale(scale)
    info.slice_ms = check.real("slice_ms", slice_ms)
    info.stripe_share = check.real("stripe_share", stripe_share)
    info.scratch_bytes = check.integer("scratch_bytes", scratch_bytes, 0, check.MAX_UINT64)
    info.memory_budget = check.integer("memory_budget", memory_budget, 0, check.MAX_UINT64)
    info.no_fallback = check.flag("no_fallback", no_fallback)
    info.device_tensors = check.flag("device_tensors", device_tensors)
    info.tier = check.text("tier", tier)
    return info


ARGUMENTS = [name for name in plan_info.__annotations__ if name != "return"]
SHAPE = ("heads", "kv_heads", "q_len", "kv_len", "head_dim")
