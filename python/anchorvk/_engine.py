"""Engines: what runs plans on a device."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _check as check
from ._arrays import Array, Result, check_heads, check_shapes, with_batch
from ._call import Call
from ._device import Device
from ._library import TuneInfo, library
from ._object import Object
from ._plan import ARGUMENTS, SHAPE, Plan, plan_info

FROM_ARRAYS = (*SHAPE, "batch")  # what attention() finds by itself


class Engine(Object):
    """Owns kernels and scratch memory on a device. Calls of one engine take turns."""

    _close = "avk_engine_close"

    def __init__(self, device: Device) -> None:
        handle = ctypes.c_uint64()
        library.avk_engine_create(device._handle, handle)
        self._slow: set[Any] = set()  # see Call
        super().__init__(handle.value, device)

    def plan(self, **problem: Any) -> Plan:
        """Checks a problem and decides how to compute it.

        Needed are heads, kv_heads, q_len, kv_len and head_dim. Others: batch (1),
        mode ("anchor" or "dense"), preset ("safe", "lean" or "paper"), and in the
        place of what the preset has step, block, sink_blocks, window_blocks and tail; sample, which
        is (stride, weight, part) or None for pooled rows; weight, which goes before that of sample;
        theta, which has pooled rows choose; guard, which is (stride, peak, limit, look) or None;
        head_modes, with a theta, {"weight": w}, "dense", "anchor_only" or None for each query head;
        scale (1/sqrt(head_dim)), no_fallback, tier, slice_ms, scratch_bytes, stripe_share, memory_budget and device_tensors, as in anchorvk.h.

        profile, a Profile, with layer, counted from 0, gives the heads of that layer what the
        profile says, and its preset where none is named; head_modes is not for beside it.

        tail is for the last call of a prompt: tail=0 in the calls before it.

        head_dim is a multiple of 8 up to 256. With q_len < kv_len the rows are the last
        positions, so that a prompt may be prefilled in chunks. Chunks that end on multiples
        of block * step, except the last one, which may end anywhere, give the bits of one
        call, where none falls back to dense (no_fallback=True). One that begins inside such
        a group selects other keys for the rest of the group: results differ, by up to about
        1 in single elements, and Stats.warnings says so. A small step keeps chunks small:
        512 rows with step=4 and block=128.

        Raises TypeError and ValueError for what is no argument or out of range, and Error.
        """
        check.keywords("plan()", problem, ARGUMENTS, SHAPE)
        return Plan(self, plan_info(**problem))

    def call(
        self, plan: Plan, q: Array, k: Array, v: Array, o: Array,
        lse: Optional[NDArray[Any]] = None, stripes: Optional[NDArray[Any]] = None, layout: Optional[str] = None,
    ) -> Call:
        """Binds a plan to arrays or buffers; o, lse and stripes are written by its runs.

        layout is that of q, k, v and o: "bhsd" for [batch, heads, positions, head_dim], which
        is meant without one, or "bshd" for [batch, positions, heads, head_dim]. Arrays may have any
        strides with contiguous rows that start on 16 bytes; those of q, k and v may be 0, as
        numpy.broadcast_to gives them, and q, k and v may share memory. What is written
        shares none, except o, which may be q itself.
        """
        return Call(self, plan, q, k, v, o, lse, stripes, layout)

    def warmup(self, plan: Plan) -> None:
        """Compiles the kernels of a plan, so that its first run does not."""
        library.avk_engine_warmup(self._handle, plan._handle)

    def tune(
        self, head_dim: int, *, heads: int = 0, kv_heads: int = 0, length: int = 0, seconds: float = 60.0,
        tier: Optional[str] = None, folder: Union[str, os.PathLike[str], None] = None,
    ) -> str:
        """Measures the shapes of kernels on the engine's device; what wins goes before the library's choice.

        It does so in plans that the engine makes from then on, and where a folder of the
        program's own is named in later processes too (tuned). heads and kv_heads are the
        model's, or 0 for both: what keeps the device busy. length is how many positions a
        measurement prefills; 0: 8,192, on a CPU 4,096. Nothing new is tried after so many
        seconds, and nothing else should use the device meanwhile. Speed and the last bits of
        results depend on it. Returns how much faster the kernels are, in words; "" where
        the library's choice is the best.
        """
        info = TuneInfo(
            head_dim=check.integer("head_dim", head_dim, 1, 2**31 - 1), heads=check.integer("heads", heads, 0, 2**31 - 1),
            kv_heads=check.integer("kv_heads", kv_heads, 0, 2**31 - 1), length=check.integer("length", length, 0, 2**31 - 1),
            budget_ms=1000 * check.real("seconds", seconds), tier=check.text("tier", tier), folder=check.path("folder", folder),
        )
        buffer = ctypes.create_string_buffer(2048)
        library.avk_engine_tune(self._handle, info, buffer, len(buffer), None)
        return buffer.value.decode()

    def tuned(self, folder: Union[str, os.PathLike[str]]) -> None:
        """Has later plans take what tune has kept in a folder for this device and driver; there may be nothing.

        Raises Error for what is damaged or another driver's; the rest is taken all the same.
        """
        library.avk_engine_tuned(self._handle, check.path("folder", folder))

    def attention(
        self, q: NDArray[Any], k: NDArray[Any], v: NDArray[Any], *, layout: Optional[str] = None, lse: bool = False, stripes: bool = False, **problem: Any
    ) -> Result:
        """Attention of q over k and v: float16 [heads, positions, head_dim], or with a batch before.

        layout="bshd" takes [positions, heads, head_dim], or with a batch before, and returns
        o so; nothing is copied for it. Without a layout arrays that may as well be in that one,
        with more heads than positions, are refused; layout="bhsd" says that they are not. The
        rows of q are the last positions of k and v. lse and stripes ask for more results; the rest
        goes to plan.
        """
        check.keywords("attention()", problem, [name for name in ARGUMENTS if name not in FROM_ARRAYS])
        lse, stripes = check.flag("lse", lse), check.flag("stripes", stripes)
        q4, k4, v4 = with_batch("q", q, layout), with_batch("k", k, layout), with_batch("v", v, layout)
        check_heads(q4, k4, layout)
        check_shapes(q4, k4, v4, layout)
        with self.plan(
            batch=q4.shape[0], heads=q4.shape[1], kv_heads=k4.shape[1], q_len=q4.shape[2], kv_len=k4.shape[2], head_dim=q4.shape[3], **problem
        ) as plan:
            o = np.empty(q.shape, np.float16)
            more = np.empty(plan.q_shape[:3], np.float32) if lse else None
            kept = np.empty(plan.stripes_shape, np.uint8) if stripes else None
            with self.call(plan, q, k, v, o, more, kept, layout) as call:
                stats = call.run()
        if q.ndim == 4:
            return Result(o, more, kept, stats)
        return Result(o, None if more is None else more[0], None if kept is None else kept[0], stats)
