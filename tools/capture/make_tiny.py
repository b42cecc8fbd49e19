"""Writes the small seeded file that the tests of bad input cut and bend: 2 heads, 1 KV head, 40 positions, dim 8, F32."""

import argparse
from pathlib import Path

import numpy as np

from tensor_file import write_tensors

HEADS, KV_HEADS, POSITIONS, DIM, SEED = 2, 1, 40, 8, 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="safetensors file")
    args = parser.parse_args()
    rng = np.random.default_rng(SEED)
    tensors = {
        name: rng.standard_normal((heads, POSITIONS, DIM), dtype=np.float32)
        for name, heads in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS))
    }
    write_tensors(args.out, tensors, {"source": f"normal noise, seed {SEED}", "licence": "MIT"})


if __name__ == "__main__":
    main()
