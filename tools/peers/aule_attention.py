"""Times causal attention of the PyPI package aule-attention on Vulkan.

Prints one line of JSON like ggml_attention.c, and like it compares a few rows
of every head with a double-precision reference before anything is timed.
aule-attention computes in F32, takes a head_dim of at most 64 and no KV prefix.

  aule_attention.py --seq 1024 --heads 4 --kv-heads 1 --head-dim 64 --reps 3

Status: 0 measured, 2 bad arguments, 4 wrong output; a traceback otherwise.
"""

import argparse
import contextlib
import importlib.metadata
import json
import statistics
import sys
import time

import numpy as np

# What `anchorvk verify` allows.
MAX_NMSE = 5e-4


def parse_args():
    parser = argparse.ArgumentParser(description="times aule-attention")
    for flag, default in (("seq", 1024), ("heads", 4), ("kv-heads", 1), ("head-dim", 64), ("reps", 3)):
        parser.add_argument("--" + flag, type=int, default=default)
    args = parser.parse_args()
    if min(args.seq, args.heads, args.kv_heads, args.head_dim, args.reps) < 1:
        parser.error("every number must be 1 or more")
    if args.head_dim > 64:
        parser.error(f"--head-dim {args.head_dim}: aule-attention takes 64 at most")
    if args.heads % args.kv_heads:
        parser.error(f"--heads {args.heads} is no multiple of --kv-heads {args.kv_heads}")
    return args


def worst_error(q, k, v, got):
    """Largest normalised mean square error of a row, and the rows compared."""
    heads, n, d = q.shape[1:]
    worst, rows = 0.0, 0
    for head in range(heads):
        kv = head * k.shape[1] // heads
        for i in sorted({0, min(1, n - 1), n // 3, n // 2, n - 1}):
            keys, values = (t[0, kv, : i + 1].astype(np.float64) for t in (k, v))
            scores = keys @ q[0, head, i].astype(np.float64) / np.sqrt(d)
            weights = np.exp(scores - scores.max())
            want = weights @ values / weights.sum()
            nmse = np.sum((got[0, head, i] - want) ** 2) / np.sum(want**2)
            if not nmse <= MAX_NMSE:  # also when it is NaN
                print(f"aule_attention: wrong output: head {head} row {i} has an error of {nmse:g}, "
                      f"over {MAX_NMSE:g}; nothing timed", file=sys.stderr)
                sys.exit(4)
            worst, rows = max(worst, nmse), rows + 1
    return worst, rows


def main():
    args = parse_args()
    with contextlib.redirect_stdout(sys.stderr):  # the package prints debugging lines
        from aule.vulkan import Aule

        aule = Aule()
    rng = np.random.default_rng(1)
    shapes = [(1, h, args.seq, args.head_dim) for h in (args.heads, args.kv_heads, args.kv_heads)]
    q, k, v = (rng.uniform(-2, 2, shape).astype(np.float32) for shape in shapes)
    on_device = [aule.tensor(x.shape) for x in (q, k, v, q)]
    poison = np.full_like(q, np.nan)
    for tensor, data in zip(on_device, (q, k, v, poison)):
        tensor.upload(data)

    aule.attention_gpu(*on_device, causal=True)  # warms up too
    nmse, rows = worst_error(q, k, v, on_device[3].download())

    samples = []
    for _ in range(args.reps):
        start = time.perf_counter()
        aule.attention_gpu(*on_device, causal=True)  # returns when the device is done
        samples.append((time.perf_counter() - start) * 1e3)
    median = statistics.median(samples)
    flop = 4 * args.seq * (args.seq + 1) / 2 * args.head_dim * args.heads
    print(json.dumps({
        "peer": "aule-attention " + importlib.metadata.version("aule-attention"),
        "backend": aule.shader_variant_name, "device": aule.device_name, "accumulation": "f32",
        "q_len": args.seq, "kv_len": args.seq, "heads": args.heads, "kv_heads": args.kv_heads,
        "head_dim": args.head_dim, "rows_verified": rows, "nmse": nmse,
        "time_ms": {"median": round(median, 3), "min": round(min(samples), 3), "max": round(max(samples), 3),
                    "samples": [round(x, 3) for x in samples]},
        "gflops": round(flop / median / 1e6, 3),
    }, separators=(",", ":")))


main()
