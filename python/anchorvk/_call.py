"""Calls: a plan with its arrays."""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Any, Callable, Optional

import numpy as np
from numpy.typing import NDArray

from . import _check as check
from ._arrays import Array, optional, tensor
from ._library import NOT_READY, PROGRESS, Error, StatsStruct, Tensors, library
from ._object import Object
from ._plan import Plan, Stats

# A run that took less than QUICK seconds the last time is waited for inside the
# library, which costs least. Others are looked at every LOOK_MS, since Python runs
# handlers of signals, such as that of Ctrl-C, between calls of the library only.
QUICK = 0.05
LOOK_MS = 20.0


class Call(Object):
    """Made by Engine.call, which checks all arguments, so that a run costs little.

    The arrays stay in place, and alive, until the call is closed.
    """

    _close = "avk_call_close"

    def __init__(
        self, engine: Any, plan: Plan, q: Array, k: Array, v: Array, o: Array,
        lse: Optional[NDArray[Any]] = None, stripes: Optional[NDArray[Any]] = None, layout: Optional[str] = None,
    ) -> None:
        tensors = [
            tensor("q", q, plan.q_shape, layout), tensor("k", k, plan.kv_shape, layout), tensor("v", v, plan.kv_shape, layout),
            tensor("o", o, plan.q_shape, layout, written=True),
        ]
        t = Tensors()
        t.q, t.k, t.v, t.o = (ctypes.pointer(each) for each in tensors)
        t.lse, t.lse_size = optional("lse", lse, plan.q_shape[:3], np.float32)
        t.stripes, t.stripes_size = optional("stripes", stripes, plan.stripes_shape, np.uint8)
        handle = ctypes.c_uint64()
        library.avk_call_create(engine._handle, plan._handle, t, handle)
        self._progress: list[Any] = []
        self._slow: set[Any] = engine._slow  # calls whose runs are not known to be quick
        self._took = float("inf")
        super().__init__(handle.value, engine, plan, q, k, v, o, lse, stripes, self._progress)

    def run(self) -> Stats:
        """Runs the call and waits for the result.

        An exception that a signal raises meanwhile, as KeyboardInterrupt, cancels the
        run: it comes when the slice on the device has ended, and o is undefined then.
        """
        stats = StatsStruct()
        begin = time.perf_counter()
        if self._took < QUICK and not self._slow:
            library.avk_call_run(self._handle, stats)
        else:
            self._run_slowly(stats)
        self._took = time.perf_counter() - begin
        return self._stats(stats)

    def _run_slowly(self, stats: StatsStruct) -> None:
        self._slow.add(self._handle)
        try:
            if threading.current_thread() is not threading.main_thread():
                library.avk_call_run(self._handle, stats)  # signals are handled elsewhere
                return
            self.start()
            while library.avk_call_wait(self._handle, LOOK_MS, stats) == NOT_READY:
                pass
        except Error:
            raise
        except BaseException:
            self._end()
            raise
        finally:
            self._slow.discard(self._handle)

    def _end(self) -> None:
        """Cancels the run and waits until the arrays are not touched any more."""
        self.cancel()
        try:
            while library.avk_call_wait(self._handle, LOOK_MS, None) == NOT_READY:
                pass
        except Error:
            pass  # cancelled, or not even started

    def _stats(self, stats: StatsStruct) -> Stats:
        said = library.text(library.avk_call_warnings, self._handle).splitlines() if stats.warnings else ()
        return Stats._of(stats, tuple(said))

    def pace(self, duty_cycle: float = 0, progress: Optional[Callable[[float], object]] = None) -> None:
        """Sets, from the next run on, the share of time, 0.01 to 1, that runs keep the device busy (0: 1).

        progress, where given, is called after every slice with the share of work that is
        done, on any thread. It must not call anchorvk.
        """
        duty_cycle = check.real("duty_cycle", duty_cycle)
        if progress is not None and not callable(progress):
            raise TypeError(f"progress must be a function of the share of work that is done, not {progress!r}")
        native = PROGRESS(lambda _, done: progress(done)) if progress else PROGRESS()
        library.avk_call_pace(self._handle, duty_cycle, native, None)
        self._took = float("inf")
        self._progress.append(native)  # a run may still hold an earlier one

    def start(self) -> None:
        """Starts the call and returns; wait() ends it."""
        library.avk_call_start(self._handle)

    def wait(self, timeout_ms: float = -1) -> Optional[Stats]:
        """Waits for the started run; None when it has not ended in time (negative: no limit).

        KeyboardInterrupt ends the waiting, not the run.
        """
        left = check.real("timeout_ms", timeout_ms, infinite=True)
        end = time.monotonic() + left / 1000 if left >= 0 else float("inf")
        stats = StatsStruct()
        while library.avk_call_wait(self._handle, min(max(left, 0), LOOK_MS) if left >= 0 else LOOK_MS, stats) == NOT_READY:
            left = 1000 * (end - time.monotonic())
            if left <= 0:
                return None
        return self._stats(stats)

    def cancel(self) -> None:
        """Makes the running call end with an Error after the slice that the device works on."""
        library.avk_call_cancel(self._handle)
