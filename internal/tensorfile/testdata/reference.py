"""Reads files from stdin with the safetensors package, and says what is in them.

A file comes as its length (4 bytes, little endian) and its bytes. Each gets one
line: {"error": text}, or {"tensors": {name: [dtype, shape, CRC-32 of the data]}}.
"""

import json
import sys
import zlib

from safetensors import SafetensorError, deserialize


def describe(data):
    try:
        tensors = deserialize(data)
    except SafetensorError as e:
        return {"error": str(e)}
    return {"tensors": {name: [t["dtype"], t["shape"], zlib.crc32(t["data"])] for name, t in tensors}}


def main():
    stdin = sys.stdin.buffer
    while length := stdin.read(4):
        data = stdin.read(int.from_bytes(length, "little"))
        print(json.dumps(describe(data)), flush=True)


main()
