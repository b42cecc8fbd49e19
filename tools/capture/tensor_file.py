"""Writes safetensors files whose bytes depend on the tensors and metadata alone.

The safetensors package shuffles the metadata keys, so that a rerun would look
like a change.
"""

import json
import os
from pathlib import Path

import numpy as np

DTYPES = {np.dtype(np.float16): "F16", np.dtype(np.float32): "F32"}
ALIGNMENT = 8


def write_tensors(path: Path, tensors: dict[str, np.ndarray], metadata: dict[str, str]) -> int:
    """Writes the file whole or not at all and returns its size in bytes."""
    header = {"__metadata__": metadata}
    parts, offset = [], 0
    for name, tensor in tensors.items():
        parts.append(np.ascontiguousarray(tensor).tobytes())
        header[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(parts[-1])],
        }
        offset += len(parts[-1])
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    data = len(text).to_bytes(8, "little") + text + b"".join(parts)
    write_whole(path, data)
    return len(data)


def write_whole(path: Path, data: bytes) -> None:
    """The file appears whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(data)
    os.replace(temporary, path)
