"""Devices and buffers on them."""

from __future__ import annotations

import ctypes
import json
import os
from typing import Any, Iterable, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _check as check
from ._library import DeviceOptions, library
from ._object import Object

PRIORITIES = {"normal": 0, "low": 1, "high": 2}
MEMORIES = {"device": 0, "upload": 1, "readback": 2}


def devices() -> list[dict[str, Any]]:
    """What every Vulkan device offers; the one with "default" true is what Device() takes."""
    found: list[dict[str, Any]] = json.loads(library.text(library.avk_device_list, DeviceOptions(environment=1)))
    return found


class Device(Object):
    """An opened device.

    device is an index in devices() or a part of a name; without one, and without
    ANCHORVK_DEVICE, the best is taken. disable names features to do without.
    memory_budget bounds its memory in bytes, cache_dir keeps compiled kernels,
    priority is "low", "normal" or "high". Raises Error.
    """

    _close = "avk_device_close"

    def __init__(
        self,
        device: Union[str, int, None] = None,
        *,
        disable: Union[str, Iterable[str], None] = None,
        memory_budget: int = 0,
        cache_dir: Union[str, os.PathLike[str], None] = None,
        priority: str = "normal",
        timeout_ms: float = 0,
        validate: bool = False,
    ) -> None:
        options = DeviceOptions(
            device=check.text("device", device if device is None or isinstance(device, str) else str(check.integer("device", device, 0, check.MAX_INT32))),
            disable=check.names("disable", disable),
            cache_dir=check.path("cache_dir", cache_dir),
            memory_budget=check.integer("memory_budget", memory_budget, 0, check.MAX_UINT64),
            timeout_ms=check.real("timeout_ms", timeout_ms),
            priority=check.choice("priority", priority, PRIORITIES),
            validate=check.flag("validate", validate),
            environment=1,
        )
        handle = ctypes.c_uint64()
        library.avk_device_open(options, handle)
        super().__init__(handle.value)

    @property
    def report(self) -> dict[str, Any]:
        """Name, limits, features and memory of the device."""
        found: dict[str, Any] = json.loads(library.text(library.avk_device_report, self._handle, 1))
        return found

    def __str__(self) -> str:
        return library.text(library.avk_device_report, self._handle, 0)

    def buffer(self, size: int, memory: str = "device") -> Buffer:
        """A buffer of size bytes; memory is "device", "upload" or "readback"."""
        return Buffer(self, size, memory)


class Buffer(Object):
    """Memory of a device. As an argument of Engine.call it stands for a contiguous array."""

    _close = "avk_buffer_close"

    def __init__(self, device: Device, size: int, memory: str = "device") -> None:
        handle = ctypes.c_uint64()
        self.size = check.integer("size", size, 0, check.MAX_UINT64)
        library.avk_buffer_create(device._handle, self.size, check.choice("memory", memory, MEMORIES), handle)
        super().__init__(handle.value, device)

    def upload(self, array: NDArray[Any], offset: int = 0) -> None:
        """Copies an array to byte offset."""
        offset = check.integer("offset", offset, 0, check.MAX_UINT64)
        array = check.plain("array", np.ascontiguousarray(check.plain("array", array)))
        library.avk_buffer_upload(self._handle, offset, array.ctypes.data, array.nbytes)

    def download(self, shape: tuple[int, ...], dtype: Any = np.float16, offset: int = 0) -> NDArray[Any]:
        """Returns a new array with what lies at byte offset."""
        offset = check.integer("offset", offset, 0, check.MAX_UINT64)
        array = check.plain("dtype", np.empty(shape, dtype))
        library.avk_buffer_download(self._handle, offset, array.ctypes.data, array.nbytes)
        return array
