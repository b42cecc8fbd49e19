"""The problem that the examples in every language compute, and its digest.

Inputs are whole multiples of 1/256 made from a hash, so that they are the same
everywhere: queries and every 29th key point the same way, the other keys the
other way.

    python sample.py    # prints the digest of the results
"""

import sys

import numpy as np

SHAPE = dict(heads=4, kv_heads=2, q_len=512, kv_len=512, head_dim=32)
PARAMS = dict(preset="paper", theta=2.0, step=4, block=16, sink_blocks=1, window_blocks=1, no_fallback=True)


def noise(seed: int, count: int) -> np.ndarray:
    x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(seed * 40503)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return x


def inputs():
    heads, kv_heads, rows, dim = SHAPE["heads"], SHAPE["kv_heads"], SHAPE["q_len"], SHAPE["head_dim"]
    small = lambda seed, n: ((noise(seed, n * rows * dim) & np.uint32(127)).astype(np.int32) - 64).reshape(n, rows, dim)
    q, k = small(1, heads), small(2, kv_heads)
    v = ((noise(3, kv_heads * rows * dim) & np.uint32(511)).astype(np.int32) - 256).reshape(kv_heads, rows, dim)
    q[:, :, 0] += 1024
    k[:, :, 0] += np.where(np.arange(rows) % 29 == 5, 768, -768)
    return tuple((a / 256).astype(np.float16) for a in (q, k, v))


def reference(q, k, v):
    """AnchorAttention in float64, row by row."""
    q, k, v = (a.astype(np.float64) for a in (q, k, v))
    heads, rows, dim = q.shape
    block, group = PARAMS["block"], PARAMS["block"] * PARAMS["step"]
    sink, window = block * PARAMS["sink_blocks"], block * PARAMS["window_blocks"]
    out, lse, kept = np.zeros_like(q), np.zeros((heads, rows)), np.zeros((heads, rows // group, rows), np.uint8)
    position = np.arange(rows)
    for h in range(heads):
        keys, values = k[h * len(k) // heads], v[h * len(k) // heads]
        scores = q[h] @ keys.T / np.sqrt(dim)
        for g in range(rows // group):
            start = g * group
            candidate = (position >= sink) & (position < start - window)
            in_group = range(start, start + group)
            anchor = {p: ~candidate & (position <= p) for p in in_group}
            for b in range(start, start + group, block):
                mean_max = np.mean([scores[p][anchor[p]].max() for p in range(b, b + block)])
                mean_query = q[h, b : b + block].mean(axis=0)
                kept[h, g] |= candidate & (mean_query @ keys.T / np.sqrt(dim) >= mean_max - PARAMS["theta"])
            for p in in_group:
                attended = anchor[p] | (kept[h, g] == 1)
                top = scores[p][attended].max()
                weights = np.exp(scores[p][attended] - top)
                out[h, p] = weights @ values[attended] / weights.sum()
                lse[h, p] = top + np.log(weights.sum())
    return out, lse, kept


def digest(o: np.ndarray, lse: np.ndarray) -> str:
    """FNV-1a, 64 bits, over the bytes of output and log-sum-exps."""
    h = 0xCBF29CE484222325
    for byte in o.tobytes() + lse.tobytes():
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


if __name__ == "__main__":
    import anchorvk

    with anchorvk.Device() as device, anchorvk.Engine(device) as engine:
        q, k, v = inputs()
        result = engine.attention(q, k, v, lse=True, **PARAMS)
        error = np.abs(result.o - reference(q, k, v)[0]).max()
        print(f"largest error {error:.6f}, computed {result.stats.computed_ratio:.3f} of the causal pairs")
        print("digest", digest(result.o, result.lse))
        sys.exit(int(error > 2e-3))
