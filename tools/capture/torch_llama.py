"""The forward pass of llama.py in PyTorch, float32, on a GPU where there is one.

Attention of a prefill can be another function's, which gets fp16 arrays on the host; all else
stays where the weights are.
"""

import numpy as np
import torch
import torch.nn.functional as F

from gguf_model import Config
from llama import rope_tables

LOGIT_ROWS = 1024


class TorchLlama:
    def __init__(self, config: Config, weights: dict[str, np.ndarray]):
        torch.backends.cuda.matmul.allow_tf32 = False
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.config = config
        self.weights = {name: torch.from_numpy(w).to(self.device) for name, w in weights.items()}
        shape = (config.layers, config.kv_heads, config.context, config.head_dim)
        self.keys, self.values = torch.zeros(shape, device=self.device), torch.zeros(shape, device=self.device)
        self.cached = 0

    @torch.no_grad()
    def forward(self, tokens: list[int], attention=None) -> torch.Tensor:
        """Final normalised hidden states of the new positions.

        attention(layer, q, k, v) gets fp16 arrays [heads, n, head_dim] after RoPE and returns O like q; None is dense
        float32 attention.
        """
        c, w = self.config, self.weights
        start, stop = self.cached, self.cached + len(tokens)
        cos, sin = (torch.from_numpy(t).to(self.device) for t in rope_tables(c, np.arange(start, stop)))
        x = w["token_embd.weight"][torch.tensor(tokens, device=self.device)]
        for layer in range(c.layers):
            name = f"blk.{layer}."
            h = self._norm(x, w[name + "attn_norm.weight"])
            q = self._rope(self._heads(h @ w[name + "attn_q.weight"].T, c.heads), cos, sin)
            self.keys[layer, :, start:stop] = self._rope(self._heads(h @ w[name + "attn_k.weight"].T, c.kv_heads), cos, sin)
            self.values[layer, :, start:stop] = self._heads(h @ w[name + "attn_v.weight"].T, c.kv_heads)
            k, v = self.keys[layer, :, :stop], self.values[layer, :, :stop]
            if attention is None:
                out = self._dense(q, k, v)
            else:
                half = [t.half().cpu().numpy() for t in (q, k, v)]
                out = torch.from_numpy(attention(layer, *half)).to(self.device).float()
            x = x + out.swapaxes(0, 1).reshape(len(tokens), -1) @ w[name + "attn_output.weight"].T
            h = self._norm(x, w[name + "ffn_norm.weight"])
            x = x + (F.silu(h @ w[name + "ffn_gate.weight"].T) * (h @ w[name + "ffn_up.weight"].T)) @ w[name + "ffn_down.weight"].T
        self.cached = stop
        return self._norm(x, w["output_norm.weight"])

    def _norm(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.config.rms_eps) * weight

    def _heads(self, x: torch.Tensor, heads: int) -> torch.Tensor:
        return x.reshape(len(x), heads, -1).swapaxes(0, 1).contiguous()

    def _rope(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        first, second = x.chunk(2, dim=-1)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)

    def _dense(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, rows: int = 1024) -> torch.Tensor:
        share, n, m = len(q) // len(k), q.shape[1], k.shape[1]
        k, v = k.repeat_interleave(share, 0), v.repeat_interleave(share, 0)
        out = torch.empty_like(q)
        for first in range(0, n, rows):
            last = min(first + rows, n)
            scores = q[:, first:last] @ k.swapaxes(1, 2) * q.shape[-1] ** -0.5
            position = torch.arange(m - n + first, m - n + last, device=self.device)
            scores.masked_fill_(torch.arange(m, device=self.device)[None, :] > position[:, None], float("-inf"))
            out[:, first:last] = scores.softmax(-1) @ v
        return out

    @torch.no_grad()
    def losses(self, hidden: torch.Tensor, tokens: list[int]) -> np.ndarray:
        """-ln p(tokens[i+1]) from hidden[i], in nats."""
        output = self.weights.get("output.weight", self.weights["token_embd.weight"])
        target = torch.tensor(tokens[1:], device=self.device)
        parts = []
        for first in range(0, len(target), LOGIT_ROWS):
            last = min(first + LOGIT_ROWS, len(target))
            parts.append(F.cross_entropy((hidden[first:last] @ output.T).double(), target[first:last], reduction="none"))
        return torch.cat(parts).cpu().numpy()

    @torch.no_grad()
    def generate(self, hidden: torch.Tensor, count: int, stop: int) -> list[int]:
        """The greedy continuation, with dense attention."""
        output = self.weights.get("output.weight", self.weights["token_embd.weight"])
        made = []
        for _ in range(count):
            made.append(int((hidden[-1] @ output.T).argmax()))
            if made[-1] == stop:
                break
            hidden = self.forward(made[-1:])
        return made
