"""numpy arrays as tensors of the library."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np
from numpy.typing import NDArray

from . import _check as check
from ._device import Buffer
from ._library import Tensor
from ._plan import Stats

STRIDES = 2  # AVK_LAYOUT_STRIDES
MOST_HEADS = 128  # of any model that is known

Array = Union[NDArray[Any], Buffer]


@dataclass(frozen=True)
class Result:
    """What Engine.attention returns: arrays with as many axes as its arguments had."""

    o: NDArray[Any]  # float16, the shape of q
    lse: Optional[NDArray[Any]]  # float32 [heads, q_len], natural log
    stripes: Optional[NDArray[Any]]  # uint8 [heads, groups, kv_len], 1 for kept
    stats: Stats


def order(layout: Optional[str]) -> str:
    return "[batch, positions, heads, head_dim]" if check.layout(layout) else "[batch, heads, positions, head_dim]"


def with_batch(name: str, array: NDArray[Any], layout: Optional[str] = None) -> NDArray[Any]:
    """A view with the four axes [batch, heads, positions, head_dim]."""
    check.plain(name, array)
    if not isinstance(array, np.ndarray) or array.dtype != np.float16:
        raise TypeError(f"{name} must be a numpy array of float16, not {getattr(array, 'dtype', type(array).__name__)}")
    if array.ndim not in (3, 4):
        wanted = order(layout)
        raise ValueError(f"{name} has shape {array.shape}; it takes {wanted.replace('batch, ', '')} or {wanted}")
    if 0 in array.shape:
        raise ValueError(f"{name} has shape {array.shape}, and so no elements")
    if array.ndim == 3:
        array = array[np.newaxis]
    return array.transpose(0, 2, 1, 3) if check.layout(layout) else array


OTHER = 'layout="bshd" for [batch, positions, heads, head_dim], layout="bhsd" for [batch, heads, positions, head_dim]'


def check_heads(q: NDArray[Any], k: NDArray[Any], layout: Optional[str]) -> None:
    """Refuses what may as well be [batch, positions, heads, head_dim], unless the layout was
    given: as many heads of q as of k, as many positions, and more heads than positions.
    Takes views with four axes."""
    if layout is not None:
        return
    heads, positions = k.shape[1:3]
    if q.shape[1:3] == (heads, positions) and heads > positions:
        raise ValueError(f"q and k have {heads} heads of {positions} positions, or {positions} heads of {heads} positions, which is as likely; name the layout: {OTHER}")
    for name, heads in (("q", q.shape[1]), ("k", heads)):
        if heads > MOST_HEADS:
            warnings.warn(f"{name} has {heads} heads as [batch, heads, positions, head_dim], which looks like a length; name the layout: {OTHER}", stacklevel=3)


def check_shapes(q: NDArray[Any], k: NDArray[Any], v: NDArray[Any], layout: Optional[str]) -> None:
    """Refuses what no plan can be made of, in words of the arrays. Takes views with four axes."""
    hint = "" if layout else f"; or name the layout: {OTHER}"
    (heads, rows, dim), (kv_heads, keys, k_dim) = q.shape[1:], k.shape[1:]
    if k_dim != dim:
        raise ValueError(f"k has head_dim {k_dim}, and q {dim}; they must be equal")
    check_value_dim(v.shape[3], dim)
    if heads % kv_heads:
        raise ValueError(f"q has {heads} heads, which the {kv_heads} of k do not divide; each head of k serves a whole number of heads of q{hint}")
    if rows > keys:
        raise ValueError(f"q has {rows} positions, more than the {keys} of k; pass the keys and values of every position of q, or swap q and k if they are mixed up{hint}")


def check_value_dim(v_dim: int, dim: int) -> None:
    if v_dim < dim:
        raise ValueError(
            f"v has head_dim {v_dim}, and k {dim}; they must be equal: pad v with zeros on its last axis, "
            f"numpy.pad(v, [(0, 0)] * (v.ndim - 1) + [(0, {dim - v_dim})]), and take o[..., :{v_dim}] of the result"
        )
    if v_dim > dim:
        raise ValueError(
            f"v has head_dim {v_dim}, and k {dim}; they must be equal: pad q and k with zeros on their last axis, "
            f"numpy.pad(k, [(0, 0)] * (k.ndim - 1) + [(0, {v_dim - dim})]), and pass scale={dim}**-0.5"
        )


def tensor(name: str, array: Array, shape: tuple[int, ...], layout: Optional[str] = None, written: bool = False) -> Tensor:
    """Describes an array of the shape [batch, heads, positions, head_dim] in a layout, or a
    buffer that holds such a one."""
    if isinstance(array, Buffer):
        return Tensor(buffer=array._handle, layout=check.layout(layout))
    given, array = array, with_batch(name, array, layout)
    if array.shape != shape:
        if name == "v" and array.shape[:3] == shape[:3]:
            check_value_dim(array.shape[3], shape[3])
        wanted = (shape[0], shape[2], shape[1], shape[3]) if check.layout(layout) else shape
        swapped = (array.shape[0], array.shape[2], array.shape[1], array.shape[3]) == shape
        hint = f'; pass layout="{"bhsd" if check.layout(layout) else "bshd"}" if the order is the other one' if swapped else ""
        raise ValueError(f"{name} has shape {given.shape} where {wanted} is needed; the order is {order(layout)}{hint}")
    if not array.flags.aligned:
        raise ValueError(f"{name} is not aligned to its elements; use numpy.copy")
    steps = [s // 2 for s in array.strides]
    if array.strides[3] != 2 or any(s < 0 or s % 8 for s, n in zip(steps[:3], shape) if n > 1):
        raise ValueError(f"{name} has strides {given.strides}; rows must be contiguous and start on multiples of 16 bytes, not backwards: use numpy.ascontiguousarray")
    steps = [s if n > 1 else 0 for s, n in zip(steps[:3], shape)]
    if written:
        if not array.flags.writeable:
            raise ValueError(f"{name} is written to, and the array is read-only")
        if not _rows_apart(steps, shape):
            raise ValueError(f"{name} has strides {given.strides}, so that its rows overlap, and it is written to: pass an array of its own (numpy.empty)")
    size = 2 * (sum(s * (n - 1) for s, n in zip(steps, shape)) + shape[3])
    t = Tensor(host=array.ctypes.data, host_size=size, layout=STRIDES)
    t.strides[:] = steps
    return t


def _rows_apart(steps: list[int], shape: tuple[int, ...]) -> bool:
    """Each axis, taken by growing stride, steps over all that the axes before it reach."""
    extent = shape[3]
    for step, count in sorted(zip(steps, shape)):
        if count > 1:
            if step < extent:
                return False
            extent += step * (count - 1)
    return True


def optional(name: str, array: Optional[NDArray[Any]], shape: tuple[int, ...], dtype: type) -> tuple[Optional[int], int]:
    """Address and size of an output that may be left out."""
    if array is None:
        return None, 0
    check.plain(name, array)
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous or not array.flags.writeable or not array.flags.aligned:
        raise ValueError(f"{name} must be a contiguous, writable array of {np.dtype(dtype)} and shape {shape}")
    return array.ctypes.data, array.nbytes
