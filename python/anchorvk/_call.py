"""Calls: a plan with its arrays."""

from __future__ import annotations

import ctypes
from typing import Any, Callable, Optional

import numpy as np
from numpy.typing import NDArray

from ._arrays import Array, optional, tensor
from ._library import NOT_READY, PROGRESS, StatsStruct, Tensors, library
from ._object import Object
from ._plan import Plan, Stats


class Call(Object):
    """Made by Engine.call, which checks all arguments, so that a run costs little.

    The arrays stay in place, and alive, until the call is closed.
    """

    _close = "avk_call_close"

    def __init__(
        self, engine: Any, plan: Plan, q: Array, k: Array, v: Array, o: Array,
        lse: Optional[NDArray[Any]] = None, stripes: Optional[NDArray[Any]] = None,
    ) -> None:
        tensors = [
            tensor("q", q, plan.q_shape), tensor("k", k, plan.kv_shape), tensor("v", v, plan.kv_shape), tensor("o", o, plan.q_shape, written=True),
        ]
        t = Tensors()
        t.q, t.k, t.v, t.o = (ctypes.pointer(each) for each in tensors)
        t.lse, t.lse_size = optional("lse", lse, plan.q_shape[:3], np.float32)
        t.stripes, t.stripes_size = optional("stripes", stripes, plan.stripes_shape, np.uint8)
        handle = ctypes.c_uint64()
        library.avk_call_create(engine._handle, plan._handle, t, handle)
        self._progress: list[Any] = []
        super().__init__(handle.value, engine, plan, q, k, v, o, lse, stripes, self._progress)

    def run(self) -> Stats:
        """Runs the call and waits for the result."""
        stats = StatsStruct()
        library.avk_call_run(self._handle, stats)
        return Stats._of(stats)

    def pace(self, duty_cycle: float = 0, progress: Optional[Callable[[float], object]] = None) -> None:
        """Sets, from the next run on, the share of time, 0.01 to 1, that runs keep the device busy (0: 1).

        progress, where given, is called after every slice with the share of work that is
        done, on any thread. It must not call anchorvk.
        """
        native = PROGRESS(lambda _, done: progress(done)) if progress else PROGRESS()
        library.avk_call_pace(self._handle, duty_cycle, native, None)
        self._progress.append(native)  # a run may still hold an earlier one

    def start(self) -> None:
        """Starts the call and returns; wait() ends it."""
        library.avk_call_start(self._handle)

    def wait(self, timeout_ms: float = -1) -> Optional[Stats]:
        """Waits for the started run; None when it has not ended in time (negative: no limit)."""
        stats = StatsStruct()
        if library.avk_call_wait(self._handle, timeout_ms, stats) == NOT_READY:
            return None
        return Stats._of(stats)

    def cancel(self) -> None:
        """Makes the running call end with an Error after the slice that the device works on."""
        library.avk_call_cancel(self._handle)
