"""Plans: what is to be computed, and how."""

from __future__ import annotations

import ctypes
import json
from dataclasses import dataclass
from typing import Any, Optional

from ._library import Memory, PlanInfo, StatsStruct, library
from ._object import Object

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
    mode: str  # what ran: "dense" also as a fallback

    @staticmethod
    def _of(s: StatsStruct) -> Stats:
        fields = {name: getattr(s, name) for name in Stats.__dataclass_fields__ if name != "mode"}
        return Stats(mode="dense" if s.mode else "anchor", **fields)


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
        """Device memory that a run takes, in bytes, by use; "total" is their sum but for "stripes"."""
        m = Memory()
        library.avk_plan_memory(self._handle, m)
        return {name: getattr(m, name) for name, *_ in Memory._fields_ if name != "struct_size"}

    def __str__(self) -> str:
        return library.text(library.avk_plan_text, self._handle, 0)


def plan_info(
    *,
    heads: int,
    kv_heads: int,
    q_len: int,
    kv_len: int,
    head_dim: int,
    batch: int = 1,
    mode: str = "anchor",
    theta: Optional[float] = None,
    step: Optional[int] = None,
    block: Optional[int] = None,
    sink_blocks: Optional[int] = None,
    window_blocks: Optional[int] = None,
    scale: float = 0,
    no_fallback: bool = False,
    tier: Optional[str] = None,
    slice_ms: float = 0,
    scratch_bytes: int = 0,
    stripe_share: float = 0,
    memory_budget: int = 0,
    device_tensors: bool = False,
) -> PlanInfo:
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; use 'anchor' or 'dense'")
    info = PlanInfo()
    library.avk_plan_defaults(info)
    info.batch, info.heads, info.kv_heads = batch, heads, kv_heads
    info.q_len, info.kv_len, info.head_dim = q_len, kv_len, head_dim
    info.mode, info.scale, info.no_fallback = MODES[mode], scale, no_fallback
    info.tier = None if tier is None else tier.encode()
    info.slice_ms, info.scratch_bytes, info.stripe_share = slice_ms, scratch_bytes, stripe_share
    info.memory_budget, info.device_tensors = memory_budget, device_tensors
    for name, value in (("theta", theta), ("step", step), ("block", block), ("sink_blocks", sink_blocks), ("window_blocks", window_blocks)):
        if value is not None:
            setattr(info, name, value)
    return info
