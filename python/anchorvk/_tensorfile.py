"""Files of safetensors whose bytes depend on tensors and metadata alone.

The safetensors package shuffles the metadata keys, so that a second capture would look
like another one. This module needs numpy only; tools/capture loads it from its file.
"""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any, Mapping, Optional

import numpy as np
from numpy.typing import NDArray

DTYPES = {np.dtype(np.float16): "F16", np.dtype(np.float32): "F32"}
ALIGNMENT = 8
MOST_HEADER = 100_000_000  # bytes, the format's limit


def write_tensors(path: pathlib.Path, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> int:
    """Writes the file whole or not at all and returns its size in bytes."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + tensor.nbytes]}
        offset += tensor.nbytes
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    temporary = path.with_name(path.name + ".part")
    with open(temporary, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            file.write(np.ascontiguousarray(tensor).data)
    os.replace(temporary, path)
    return 8 + len(text) + offset


def write_whole(path: pathlib.Path, data: bytes) -> None:
    """The file appears whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def read_metadata(path: pathlib.Path) -> Optional[dict[str, str]]:
    """The metadata of a file that is there whole; None where there is none of the format."""
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > MOST_HEADER:
                return None
            header = json.loads(file.read(length))
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        if path.stat().st_size != 8 + length + max(ends, default=0):
            return None
        return dict(header.get("__metadata__", {}))
    except (OSError, ValueError, AttributeError, KeyError, IndexError, TypeError):
        return None
