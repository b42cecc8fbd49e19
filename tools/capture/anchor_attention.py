"""AnchorAttention in numpy, fast enough to run a whole model with it."""

import numpy as np

from anchor_measures import NEVER, Shape


def anchor_attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, shape: Shape, theta: float) -> np.ndarray:
    """Prefill without KV prefix. q [heads, seq, dim]; k, v [kv_heads, seq, dim] -> [seq, heads*dim]."""
    heads, seq, dim = q.shape
    share = heads // len(k)
    out = np.empty((seq, heads, dim), np.float32)
    scale = np.float32(1.0 / np.sqrt(dim))
    for h in range(heads):
        for start in range(0, seq, shape.group):
            stop = min(start + shape.group, seq)
            out[start:stop, h] = attend_group(q[h] * scale, k[h // share], v[h // share], start, stop, shape, theta)
    return out.reshape(seq, heads * dim)


def attend_group(q, k, v, start: int, stop: int, shape: Shape, theta: float) -> np.ndarray:
    """Rows [start, stop) of one head; q already scaled."""
    window = max(shape.sink, start - shape.window)
    anchor = np.r_[0 : min(shape.sink, stop), window:stop]
    stripe = np.zeros(max(0, window - shape.sink), bool)
    scores = masked_scores(q[start:stop], k, anchor, start)
    for first in range(0, stop - start, shape.block):
        rows = slice(first, min(first + shape.block, stop - start))
        limit = scores[rows].max(axis=1).mean() - np.float32(theta)
        stripe |= k[shape.sink : window] @ q[start:stop][rows].mean(axis=0) >= limit
    stripes = shape.sink + np.flatnonzero(stripe)
    scores = np.concatenate([scores, q[start:stop] @ k[stripes].T], axis=1)
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores @ v[np.concatenate([anchor, stripes])]


def masked_scores(q, k, keys, first_row: int) -> np.ndarray:
    scores = q @ k[keys].T
    scores[keys[None, :] > np.arange(first_row, first_row + len(q))[:, None]] = NEVER
    return scores
