"""Engines: what runs plans on a device."""

from __future__ import annotations

import ctypes
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from ._arrays import Array, Result, with_batch
from ._call import Call
from ._device import Device
from ._library import library
from ._object import Object
from ._plan import Plan, plan_info


class Engine(Object):
    """Owns kernels and scratch memory on a device. Calls of one engine take turns."""

    _close = "avk_engine_close"

    def __init__(self, device: Device) -> None:
        handle = ctypes.c_uint64()
        library.avk_engine_create(device._handle, handle)
        super().__init__(handle.value, device)

    def plan(self, **problem: Any) -> Plan:
        """Checks a problem and decides how to compute it.

        Needed are heads, kv_heads, q_len, kv_len and head_dim. Others: batch (1),
        mode ("anchor" or "dense"), theta, step, block, sink_blocks and window_blocks
        (those of the paper), scale (1/sqrt(head_dim)), no_fallback, tier, slice_ms,
        scratch_bytes, stripe_share, memory_budget and device_tensors, as in anchorvk.h.
        """
        return Plan(self, plan_info(**problem))

    def call(
        self, plan: Plan, q: Array, k: Array, v: Array, o: Array,
        lse: Optional[NDArray[Any]] = None, stripes: Optional[NDArray[Any]] = None,
    ) -> Call:
        """Binds a plan to arrays or buffers; o, lse and stripes are written by its runs."""
        return Call(self, plan, q, k, v, o, lse, stripes)

    def warmup(self, plan: Plan) -> None:
        """Compiles the kernels of a plan, so that its first run does not."""
        library.avk_engine_warmup(self._handle, plan._handle)

    def attention(
        self, q: NDArray[Any], k: NDArray[Any], v: NDArray[Any], *, lse: bool = False, stripes: bool = False, **problem: Any
    ) -> Result:
        """Attention of q over k and v: float16 [heads, positions, head_dim], or with a batch before.

        The rows of q are the last positions of k and v. lse and stripes ask for more
        results; the rest goes to plan.
        """
        q4, k4, v4 = with_batch("q", q), with_batch("k", k), with_batch("v", v)
        with self.plan(
            batch=q4.shape[0], heads=q4.shape[1], kv_heads=k4.shape[1], q_len=q4.shape[2], kv_len=k4.shape[2], head_dim=q4.shape[3], **problem
        ) as plan:
            o = np.empty(q4.shape, np.float16)
            more = np.empty(plan.q_shape[:3], np.float32) if lse else None
            kept = np.empty(plan.stripes_shape, np.uint8) if stripes else None
            with self.call(plan, q4, k4, v4, o, more, kept) as call:
                stats = call.run()
        if q.ndim == 4:
            return Result(o, more, kept, stats)
        return Result(o[0], None if more is None else more[0], None if kept is None else kept[0], stats)
