"""numpy arrays as tensors of the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from ._device import Buffer
from ._library import Tensor
from ._plan import Stats

STRIDES = 2  # AVK_LAYOUT_STRIDES

Array = Union[NDArray[Any], Buffer]


@dataclass(frozen=True)
class Result:
    """What Engine.attention returns: arrays with as many axes as its arguments had."""

    o: NDArray[Any]  # float16, the shape of q
    lse: Optional[NDArray[Any]]  # float32 [heads, q_len], natural log
    stripes: Optional[NDArray[Any]]  # uint8 [heads, groups, kv_len], 1 for kept
    stats: Stats


def with_batch(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """A view with the four axes [batch, heads, positions, head_dim]."""
    if not isinstance(array, np.ndarray) or array.dtype != np.float16:
        raise TypeError(f"{name} must be a numpy array of float16, not {getattr(array, 'dtype', type(array).__name__)}")
    if array.ndim == 3:
        array = array[np.newaxis]
    if array.ndim != 4:
        raise ValueError(f"{name} has shape {array.shape}; it takes [heads, positions, head_dim] or [batch, heads, positions, head_dim]")
    return array


def tensor(name: str, array: Array, shape: tuple[int, ...], written: bool = False) -> Tensor:
    """Describes an array of the shape, or a buffer that holds such a one."""
    if isinstance(array, Buffer):
        return Tensor(buffer=array._handle)
    array = with_batch(name, array)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape} where {shape} is needed; the order is [batch, heads, positions, head_dim]")
    if written and not array.flags.writeable:
        raise ValueError(f"{name} is written to, and the array is read-only")
    steps = [s // 2 for s in array.strides]
    if array.strides[3] != 2 or any(s < 0 or s % 8 for s, n in zip(steps[:3], shape) if n > 1):
        raise ValueError(f"{name} has strides {array.strides}; rows must be contiguous and start on multiples of 16 bytes: use numpy.ascontiguousarray")
    steps = [s if n > 1 else 0 for s, n in zip(steps[:3], shape)]
    size = 2 * (sum(s * (n - 1) for s, n in zip(steps, shape)) + shape[3])
    t = Tensor(host=array.ctypes.data, host_size=size, layout=STRIDES)
    t.strides[:] = steps
    return t


def optional(name: str, array: Optional[NDArray[Any]], shape: tuple[int, ...], dtype: type) -> tuple[Optional[int], int]:
    """Address and size of an output that may be left out."""
    if array is None:
        return None, 0
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous or not array.flags.writeable:
        raise ValueError(f"{name} must be a contiguous, writable array of {np.dtype(dtype)} and shape {shape}")
    return array.ctypes.data, array.nbytes
