"""What AnchorAttention keeps of one head, and how much attention lies on it.

For every block of query rows one pass over the dense scores yields the column
sums of the attention probability; because all rows of a group share one stripe
list, the recall of any step and theta follows from those sums alone.
"""

from dataclasses import dataclass

import numpy as np

NEVER = np.float32(-np.inf)


@dataclass(frozen=True)
class Shape:
    """Sizes in positions, except step (blocks in a group)."""

    block: int = 128
    step: int = 16
    sink: int = 128
    window: int = 128

    @property
    def group(self) -> int:
        return self.block * self.step


@dataclass(frozen=True)
class Measures:
    computed_ratio: float  # computed (row, key) pairs / causal pairs
    stripe_ratio: float  # kept stripes / candidates, over all groups; 0 without candidates
    recall_mass: float  # mean over rows of the full-attention probability on kept keys


class HeadScores:
    """The dense pass over one head. q, k: [seq, dim] float32, no KV prefix."""

    def __init__(self, q: np.ndarray, k: np.ndarray, shapes: list[Shape]):
        block = shapes[0].block
        if any(s.block != block for s in shapes):
            raise ValueError("all shapes must have the same block")
        seq, dim = q.shape
        self.seq, self.blocks, self.k = seq, -(-seq // block), k
        self.scale = np.float32(1.0 / np.sqrt(dim))
        self.block_mass = np.zeros((self.blocks, seq))  # column sums of the probability
        self.mean_q = np.empty((self.blocks, dim), np.float32)
        self.mean_anchor = {s: np.empty(self.blocks, np.float32) for s in shapes}
        for r in range(self.blocks):
            start, stop = r * block, min((r + 1) * block, seq)
            scores = (q[start:stop] @ k[:stop].T) * self.scale
            scores[:, start:][np.triu(np.ones((stop - start, stop - start), bool), k=1)] = NEVER
            for s in shapes:
                self.mean_anchor[s][r] = row_anchor(scores, start, s).mean(dtype=np.float64)
            self.mean_q[r] = q[start:stop].mean(axis=0, dtype=np.float64)
            scores -= scores.max(axis=1, keepdims=True)
            np.exp(scores, out=scores)
            weights = 1.0 / scores.sum(axis=1, dtype=np.float64)
            self.block_mass[r, :stop] = weights.astype(np.float32) @ scores

    def measure(self, shape: Shape, thetas: list[float]) -> list[Measures]:
        kept_mass = np.zeros(len(thetas))
        computed = np.zeros(len(thetas))
        stripes = np.zeros(len(thetas))
        candidates = 0
        for start in range(0, self.seq, shape.group):
            stop = min(start + shape.group, self.seq)
            first, last = start // shape.block, -(-stop // shape.block)
            mass = self.block_mass[first:last].sum(axis=0)
            window = max(shape.sink, start - shape.window)  # candidates are [sink, window)
            anchor_mass = mass[: shape.sink].sum() + mass[window:].sum()
            kept_mass += anchor_mass
            computed += sum_causal(start, stop) - (stop - start) * (window - shape.sink)
            if window == shape.sink:
                continue  # no candidates: dense
            score = (self.mean_q[first:last] @ self.k[shape.sink : window].T) * self.scale
            margin = (score - self.mean_anchor[shape][first:last, None]).max(axis=0)
            candidates += window - shape.sink
            for i, theta in enumerate(thetas):
                kept = margin >= -np.float32(theta)
                stripes[i] += kept.sum()
                kept_mass[i] += mass[shape.sink : window][kept].sum()
                computed[i] += kept.sum() * (stop - start)
        return [
            Measures(
                computed_ratio=computed[i] / sum_causal(0, self.seq),
                stripe_ratio=stripes[i] / candidates if candidates else 0.0,
                recall_mass=kept_mass[i] / self.seq,
            )
            for i in range(len(thetas))
        ]


def row_anchor(scores: np.ndarray, first_row: int, shape: Shape) -> np.ndarray:
    """Row maxima over sink and window. scores [rows, keys], future keys at -inf."""
    group_start = first_row // shape.group * shape.group
    window = max(shape.sink, group_start - shape.window)
    return np.maximum(
        scores[:, : shape.sink].max(axis=1),
        scores[:, window:].max(axis=1, initial=NEVER),
    )


def sum_causal(start: int, stop: int) -> int:
    """Causal pairs of the rows [start, stop): row p sees p+1 keys."""
    return (stop * (stop + 1) - start * (start + 1)) // 2
