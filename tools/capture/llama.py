"""Float32 forward pass of a llama-architecture model in numpy.

Everything is computed for all positions at once, except attention (chunks of
query rows) and logits (chunks of positions), so that 8,192 positions of
SmolLM2-135M need under 2 GB.
"""

import numpy as np

from gguf_model import Config

ATTENTION_ROWS = 256
LOGIT_ROWS = 512


def rms_norm(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    mean_square = np.mean(x * x, axis=-1, keepdims=True)
    return x / np.sqrt(mean_square + np.float32(eps)) * weight


def rope_tables(config: Config, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """cos and sin, each [positions, head_dim/2], computed in float64."""
    half = config.head_dim // 2
    frequency = config.rope_base ** (-np.arange(half, dtype=np.float64) / half)
    angle = positions[:, None].astype(np.float64) * frequency
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def apply_rope(x: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """Rotates x [heads, positions, head_dim]; dimension i pairs with i + head_dim/2."""
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def split_heads(x: np.ndarray, heads: int) -> np.ndarray:
    """[positions, heads*dim] -> contiguous [heads, positions, dim]."""
    return np.ascontiguousarray(x.reshape(x.shape[0], heads, -1).swapaxes(0, 1))


def causal_attention(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Dense attention, bottom-right causal. q [heads, n, dim]; k, v [kv_heads, m, dim].

    Returns [n, heads*dim].
    """
    heads, n, dim = q.shape
    kv_heads, m, _ = k.shape
    share = heads // kv_heads
    scale = np.float32(1.0 / np.sqrt(dim))
    out = np.empty((n, heads, dim), dtype=np.float32)
    for start in range(0, n, ATTENTION_ROWS):
        stop = min(start + ATTENTION_ROWS, n)
        first_masked, keys = m - n + start, m - n + stop
        future = np.triu(np.ones((stop - start, stop - start), dtype=bool), k=1)
        for h in range(heads):
            scores = (q[h, start:stop] * scale) @ k[h // share, :keys].T
            scores[:, first_masked:][future] = -np.inf
            scores -= scores.max(axis=-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(axis=-1, keepdims=True)
            out[start:stop, h] = scores @ v[h // share, :keys]
    return out.reshape(n, heads * dim)


class Llama:
    """Weights plus a KV cache. `forward` appends positions to the cache."""

    def __init__(self, config: Config, weights: dict[str, np.ndarray], prefill_attention=None):
        self.config = config
        self.weights = weights
        # (layer, q, k, v) -> [n, heads*dim], for prefill without a cache; None is dense.
        self.prefill_attention = prefill_attention
        self.reset()

    def reset(self) -> None:
        self.cached = 0
        self.cache = [None] * self.config.layers

    def forward(self, tokens: list[int], on_layer=None) -> np.ndarray:
        """Final normalised hidden states [len(tokens), hidden] of the new positions.

        on_layer(layer, q, k, v) sees the float32 tensors of the new positions
        after RoPE: q [heads, n, head_dim], k and v [kv_heads, n, head_dim].
        """
        c, w = self.config, self.weights
        if self.cached + len(tokens) > c.context:
            raise ValueError(f"{self.cached + len(tokens)} positions exceed the context of {c.context}")
        cos, sin = rope_tables(c, np.arange(self.cached, self.cached + len(tokens)))
        x = w["token_embd.weight"][tokens]
        for layer in range(c.layers):
            x = x + self._attention(layer, x, cos, sin, on_layer)
            x = x + self._feed_forward(layer, x)
        self.cached += len(tokens)
        return rms_norm(x, w["output_norm.weight"], c.rms_eps)

    def _attention(self, layer, x, cos, sin, on_layer):
        c, w, name = self.config, self.weights, f"blk.{layer}."
        h = rms_norm(x, w[name + "attn_norm.weight"], c.rms_eps)
        q = apply_rope(split_heads(h @ w[name + "attn_q.weight"].T, c.heads), cos, sin)
        k = apply_rope(split_heads(h @ w[name + "attn_k.weight"].T, c.kv_heads), cos, sin)
        v = split_heads(h @ w[name + "attn_v.weight"].T, c.kv_heads)
        if on_layer is not None:
            on_layer(layer, q, k, v)
        first_call = self.cache[layer] is None
        if not first_call:
            k = np.concatenate([self.cache[layer][0], k], axis=1)
            v = np.concatenate([self.cache[layer][1], v], axis=1)
        self.cache[layer] = (k, v)
        if first_call and self.prefill_attention is not None:
            out = self.prefill_attention(layer, q, k, v)
        else:
            out = causal_attention(q, k, v)
        return out @ w[name + "attn_output.weight"].T

    def _feed_forward(self, layer, x):
        c, w, name = self.config, self.weights, f"blk.{layer}."
        h = rms_norm(x, w[name + "ffn_norm.weight"], c.rms_eps)
        gate = h @ w[name + "ffn_gate.weight"].T
        gate *= 1 / (1 + np.exp(-gate))  # SiLU
        gate *= h @ w[name + "ffn_up.weight"].T
        return gate @ w[name + "ffn_down.weight"].T

    def logits(self, hidden: np.ndarray) -> np.ndarray:
        """[positions, vocabulary]; the output matrix is the tied embedding when none is stored."""
        output = self.weights.get("output.weight", self.weights["token_embd.weight"])
        return hidden @ output.T

    def negative_log_likelihood(self, hidden: np.ndarray, tokens: list[int]) -> np.ndarray:
        """-ln p(tokens[i+1]) from hidden[i], one value per predicted token, in nats."""
        target = np.asarray(tokens[1:])
        losses = np.empty(len(target))
        for start in range(0, len(target), LOGIT_ROWS):
            stop = min(start + LOGIT_ROWS, len(target))
            logits = self.logits(hidden[start:stop]).astype(np.float64)
            top = logits.max(axis=-1)
            log_sum = top + np.log(np.exp(logits - top[:, None]).sum(axis=-1))
            losses[start:stop] = log_sum - logits[np.arange(stop - start), target[start:stop]]
        return losses

    def generate(self, hidden_last: np.ndarray, count: int, stop_token: int) -> list[int]:
        """Greedy continuation after the cached positions."""
        produced = []
        for _ in range(count):
            token = int(np.argmax(self.logits(hidden_last[None])[0]))
            produced.append(token)
            if token == stop_token:
                break
            hidden_last = self.forward([token])[-1]
        return produced
