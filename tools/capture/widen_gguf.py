"""Writes a GGUF file anew with all weights as float32, and nothing else changed.

With the weights of the quantised file llama.cpp rounds activations to 8 bits before each
product; with these it multiplies in float32, as the forward pass here does.
"""

import argparse
from pathlib import Path

import gguf
import numpy as np

from gguf_model import field, open_gguf

# What the writer sets by itself, or what describes the types of weights.
LEFT_OUT = ("GGUF.", "general.architecture", "general.file_type", "general.quantization_version")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    reader = open_gguf(args.model)
    part = args.out.with_name(args.out.name + ".part")
    writer = gguf.GGUFWriter(part, field(reader, "general.architecture"))
    for key in reader.fields.values():
        if key.name.startswith(LEFT_OUT):
            continue
        kind = key.types[0]
        element = key.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(key.name, key.contents(), kind, sub_type=element)
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, np.ascontiguousarray(values, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(args.out)


if __name__ == "__main__":
    main()
