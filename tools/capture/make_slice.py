"""Cuts one KV head and the query heads that read it out of a captured layer."""

import argparse
from pathlib import Path

from safetensors import safe_open

from tensor_file import write_tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--capture", type=Path, required=True, help="folder that capture.py wrote")
    parser.add_argument("--layer", type=int, required=True)
    parser.add_argument("--kv-head", type=int, required=True)
    parser.add_argument("--theta", type=float, required=True, help="recommended theta, noted in the metadata")
    parser.add_argument("--step", type=int, required=True, help="recommended step, noted in the metadata")
    parser.add_argument("--out", type=Path, required=True, help="safetensors file")
    args = parser.parse_args()

    source = args.capture / f"layer-{args.layer:02d}.safetensors"
    if not source.is_file():
        raise SystemExit(f"{source}: no such layer: run capture.py first")
    with safe_open(source, framework="numpy") as file:
        metadata = file.metadata()
        q, k, v = (file.get_tensor(name) for name in "qkv")
    if not 0 <= args.kv_head < len(k):
        raise SystemExit(f"--kv-head {args.kv_head}: the layer has KV heads 0 to {len(k) - 1}")
    share = len(q) // len(k)
    first, last = args.kv_head * share, (args.kv_head + 1) * share
    metadata = {name: metadata[name] for name in sorted(metadata)} | {
        "heads": ",".join(map(str, range(first, last))),
        "kv_heads": str(args.kv_head),
        "theta": f"{args.theta:g}",
        "step": str(args.step),
    }
    group = slice(args.kv_head, args.kv_head + 1)
    size = write_tensors(args.out, {"q": q[first:last], "k": k[group], "v": v[group]}, metadata)
    print(f"{args.out}: {size} bytes, heads {metadata['heads']}, KV head {args.kv_head}")


if __name__ == "__main__":
    main()
