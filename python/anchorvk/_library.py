"""Loads the shared library and declares what anchorvk.h declares."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import pathlib
import sys
from ctypes import POINTER, Structure, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p
from typing import Any, Callable

from ._words import in_python

ABI_VERSION = 0x00010002

NOT_READY = 1
CANCELLED = -14


class Sized(Structure):
    """A struct whose struct_size is set, and whose other fields start as 0."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(**fields)
        self.struct_size = ctypes.sizeof(self)


class DeviceOptions(Sized):
    _fields_ = [
        ("struct_size", c_size_t), ("device", c_char_p), ("disable", c_char_p), ("cache_dir", c_char_p),
        ("memory_budget", c_uint64), ("timeout_ms", c_double), ("priority", c_int32), ("validate", c_uint32),
        ("environment", c_uint32), ("reserved", c_uint32),
    ]


class Head(ctypes.Structure):
    _fields_ = [("mode", c_int32), ("reserved", c_uint32), ("theta", c_double), ("weight", c_double)]


class PlanInfo(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("batch", c_int64), ("heads", c_int64), ("kv_heads", c_int64), ("q_len", c_int64), ("kv_len", c_int64), ("head_dim", c_int64),
        ("mode", c_int32), ("step", c_int32), ("block", c_int32), ("sink_blocks", c_int32), ("window_blocks", c_int32),
        ("no_fallback", c_uint32), ("theta", c_double), ("scale", c_double), ("tier", c_char_p), ("slice_ms", c_double),
        ("scratch_bytes", c_uint64), ("stripe_share", c_double), ("memory_budget", c_uint64), ("device_tensors", c_uint32), ("reserved", c_uint32),
        ("tail", c_int32), ("guard_stride", c_int32), ("guard_peak", c_double), ("guard_limit", c_double),
        ("head_modes", POINTER(Head)), ("head_mode_count", c_uint64),
        ("guard_look", c_int32), ("sample_stride", c_int32), ("sample_weight", c_double), ("sample_part", c_int32), ("reserved2", c_uint32),
    ]


class TuneInfo(Sized):
    _fields_ = [
        ("struct_size", c_size_t), ("head_dim", c_int64), ("heads", c_int64), ("kv_heads", c_int64), ("length", c_int64),
        ("budget_ms", c_double), ("tier", c_char_p), ("folder", c_char_p),
    ]


class Memory(Sized):
    _fields_ = [("struct_size", c_size_t)] + [
        (name, c_uint64) for name in ("tensors", "staging", "scratch", "counts", "lse", "total", "stripes")
    ]


class Tensor(Sized):
    _fields_ = [
        ("struct_size", c_size_t), ("buffer", c_uint64), ("offset", c_uint64), ("host", c_void_p), ("host_size", c_uint64),
        ("layout", c_int32), ("reserved", c_uint32), ("strides", c_int64 * 3),
    ]


class Tensors(Sized):
    _fields_ = [
        ("struct_size", c_size_t),
        ("q", POINTER(Tensor)), ("k", POINTER(Tensor)), ("v", POINTER(Tensor)), ("o", POINTER(Tensor)),
        ("lse", c_void_p), ("lse_size", c_uint64), ("lse_buffer", c_uint64), ("lse_offset", c_uint64), ("stripes", c_void_p), ("stripes_size", c_uint64),
    ]


class StatsStruct(Sized):
    _fields_ = [("struct_size", c_size_t)] + [
        (name, c_double)
        for name in ("total_ms", "anchor_ms", "identify_ms", "attention_ms", "host_ms", "own_ms", "computed_ratio", "stripe_ratio")
    ] + [("scratch_bytes", c_uint64), ("slices", c_int32), ("mode", c_int32), ("warnings", c_uint32), ("reserved", c_uint32)] + [
        (name, c_double) for name in ("selection_ratio", "guarded_ratio", "missed_mass")
    ]


handle = c_uint64
out_handle = POINTER(c_uint64)
PROGRESS = ctypes.CFUNCTYPE(None, c_void_p, c_double)
text = (c_char_p, c_size_t, POINTER(c_size_t))

FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "avk_check_abi": (c_uint32,),
    "avk_version": text,
    "avk_device_list": (POINTER(DeviceOptions), *text),
    "avk_device_open": (POINTER(DeviceOptions), out_handle),
    "avk_device_report": (handle, c_int32, *text),
    "avk_device_close": (handle,),
    "avk_buffer_create": (handle, c_uint64, c_int32, out_handle),
    "avk_buffer_upload": (handle, c_uint64, c_void_p, c_uint64),
    "avk_buffer_download": (handle, c_uint64, c_void_p, c_uint64),
    "avk_buffer_close": (handle,),
    "avk_engine_create": (handle, out_handle),
    "avk_engine_warmup": (handle, handle),
    "avk_engine_tune": (handle, POINTER(TuneInfo), *text),
    "avk_engine_tuned": (handle, c_char_p),
    "avk_engine_close": (handle,),
    "avk_plan_defaults": (POINTER(PlanInfo),),
    "avk_plan_preset": (POINTER(PlanInfo), c_char_p),
    "avk_plan_create": (handle, POINTER(PlanInfo), out_handle),
    "avk_plan_text": (handle, c_int32, *text),
    "avk_plan_memory": (handle, POINTER(Memory)),
    "avk_plan_close": (handle,),
    "avk_profile_open": (c_char_p, out_handle),
    "avk_profile_parse": (c_char_p, c_size_t, out_handle),
    "avk_profile_text": (handle, c_int32, *text),
    "avk_profile_check": (handle, c_int64, c_int64),
    "avk_profile_apply": (handle, c_int64, POINTER(PlanInfo), POINTER(Head), c_uint64),
    "avk_profile_close": (handle,),
    "avk_call_create": (handle, handle, POINTER(Tensors), out_handle),
    "avk_call_run": (handle, POINTER(StatsStruct)),
    "avk_call_warnings": (handle, *text),
    "avk_call_pace": (handle, c_double, PROGRESS, c_void_p),
    "avk_call_start": (handle,),
    "avk_call_wait": (handle, c_double, POINTER(StatsStruct)),
    "avk_call_cancel": (handle,),
    "avk_call_close": (handle,),
}


class Error(Exception):
    """What a call of the library failed with: name is that of the status, as "AVK_ERROR_LIMIT"."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = name


def candidates() -> list[str]:
    """Where the library may be: named by ANCHORVK_LIBRARY, in this package, on the system."""
    given = os.environ.get("ANCHORVK_LIBRARY")
    if given:
        return [given]
    here = pathlib.Path(__file__).parent
    own = sorted(str(p) for pattern in ("libanchorvk.*", "anchorvk.dll") for p in here.glob(pattern))
    system = {"win32": "anchorvk.dll", "darwin": "libanchorvk.1.dylib"}.get(sys.platform, "libanchorvk.so.1")
    return [*own, system, *filter(None, [ctypes.util.find_library("anchorvk")])]


class Library:
    """The loaded library. Attributes are its functions, which raise Error."""

    def __init__(self) -> None:
        reasons = []
        for name in candidates():
            try:
                self.cdll = ctypes.CDLL(name)
                break
            except OSError as e:
                reasons.append(str(e))
        else:
            raise ImportError(
                "anchorvk: no shared library: " + "; ".join(reasons) + ". Install it (make install), or name its file in ANCHORVK_LIBRARY"
            )
        self.cdll.avk_last_error.argtypes = (c_char_p, c_size_t)
        self.cdll.avk_last_error.restype = c_size_t
        self.cdll.avk_status_name.argtypes = (c_int32,)
        self.cdll.avk_status_name.restype = c_char_p
        for function, arguments in FUNCTIONS.items():
            native = getattr(self.cdll, function)
            native.argtypes = arguments
            native.restype = c_int32
            setattr(self, function, self._checked(native))
            if function == "avk_check_abi":  # the first one: an older library lacks some of the others
                self.avk_check_abi(ABI_VERSION)

    def __getattr__(self, name: str) -> Callable[..., int]:
        raise AttributeError(name)

    def _checked(self, native: Callable[..., int]) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            status = native(*arguments)
            if status < 0:
                self.fail(status)
            return status

        return call

    def fail(self, status: int) -> None:
        buffer = ctypes.create_string_buffer(2048)
        self.cdll.avk_last_error(buffer, len(buffer))
        name = self.cdll.avk_status_name(status).decode()
        raise Error(status, name, in_python(buffer.value.decode(errors="replace")))

    def text(self, function: Callable[..., int], *arguments: Any, translate: bool = True) -> str:
        """Calls a function that returns text, with memory of the right size. translate is False where the text is not the library's own."""
        length = c_size_t()
        function(*arguments, None, 0, length)
        buffer = ctypes.create_string_buffer(length.value + 1)
        function(*arguments, buffer, len(buffer), None)
        value = buffer.value.decode()
        return in_python(value) if translate else value


library = Library()
