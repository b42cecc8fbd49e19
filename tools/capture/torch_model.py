"""What the forward passes in PyTorch share: weights and KV cache on a GPU where there is one, attention, losses.

float32 throughout. A prefill's attention can be another function's, which gets fp16 arrays on the host; all else
stays where the weights are.
"""

from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from gguf_model import Config
from llama import rope_tables

LOGITS = 1 << 27  # in one piece, to bound memory: 1 GiB in float64


class TorchModel:
    """Weights [out, in] by their GGUF names, and keys and values [layers, kv_heads, context, head_dim].

    A family says in `forward` how tokens become hidden states. `cached` is the number of positions in the cache;
    setting it to 0 starts anew.
    """

    def __init__(self, config: Config, weights: dict[str, np.ndarray]):
        torch.backends.cuda.matmul.allow_tf32 = False
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.config = config
        self.weights = {name: torch.tensor(w, device=self.device) for name, w in weights.items()}
        shape = (config.layers, config.kv_heads, config.context, config.head_dim)
        self.keys, self.values = torch.zeros(shape, device=self.device), torch.zeros(shape, device=self.device)
        self.cached = 0

    def forward(self, tokens: list[int], attention=None) -> torch.Tensor:
        """Final normalised hidden states [len(tokens), hidden] of the new positions.

        attention(layer, q, k, v) gets fp16 arrays [heads, n, head_dim] after RoPE and returns O like q; None is dense
        float32 attention.
        """
        raise NotImplementedError

    def _check_room(self, tokens: list[int]) -> None:
        stop, room = self.cached + len(tokens), self.keys.shape[2]
        if stop > room:
            raise SystemExit(f"{stop} positions do not fit the context of {room}: shorten the prompt")

    def _rope_tables(self, base: float, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        tables = rope_tables(replace(self.config, rope_base=base), np.arange(start, stop))
        return tuple(torch.from_numpy(t).to(self.device) for t in tables)

    def _attend(self, layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, attention) -> torch.Tensor:
        """[n, heads*head_dim] by a function on the host, or dense."""
        if attention is None:
            out = self._dense(q, k, v)
        else:
            half = [t.half().cpu().numpy() for t in (q, k, v)]
            out = torch.from_numpy(attention(layer, *half)).to(self.device).float()
        return out.swapaxes(0, 1).reshape(q.shape[1], -1)

    def _norm(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.config.rms_eps) * weight

    def _heads(self, x: torch.Tensor, heads: int) -> torch.Tensor:
        return x.reshape(len(x), heads, -1).swapaxes(0, 1).contiguous()

    def _rope(self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
        first, second = x.chunk(2, dim=-1)
        return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)

    def _dense(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, rows: int = 1024, window: int = 0) -> torch.Tensor:
        """Causal attention, O like q; with a window a row sees itself and the window-1 positions before it."""
        share, n, m = len(q) // len(k), q.shape[1], k.shape[1]
        k, v = k.repeat_interleave(share, 0), v.repeat_interleave(share, 0)
        out = torch.empty_like(q)
        for first in range(0, n, rows):
            last = min(first + rows, n)
            position = torch.arange(m - n + first, m - n + last, device=self.device)[:, None]
            begin = max(0, m - n + first - window + 1) if window else 0
            key = torch.arange(begin, m - n + last, device=self.device)[None, :]
            hidden = key > position
            if window:
                hidden |= key <= position - window
            seen = slice(begin, m - n + last)
            scores = q[:, first:last] @ k[:, seen].swapaxes(1, 2) * q.shape[-1] ** -0.5
            scores.masked_fill_(hidden, float("-inf"))
            out[:, first:last] = scores.softmax(-1) @ v[:, seen]
        return out

    def _output(self) -> torch.Tensor:
        """The output matrix [vocabulary, hidden], which is the embedding when none is stored."""
        return self.weights.get("output.weight", self.weights["token_embd.weight"])

    @torch.no_grad()
    def losses(self, hidden: torch.Tensor, tokens: list[int]) -> np.ndarray:
        """-ln p(tokens[i+1]) from hidden[i], in nats."""
        output = self._output()
        target = torch.tensor(tokens[1:], device=self.device)
        rows = max(1, LOGITS // len(output))
        parts = []
        for first in range(0, len(target), rows):
            last = min(first + rows, len(target))
            parts.append(F.cross_entropy((hidden[first:last] @ output.T).double(), target[first:last], reduction="none"))
        return torch.cat(parts).cpu().numpy()

    @torch.no_grad()
    def generate(self, hidden: torch.Tensor, count: int, stop: int) -> list[int]:
        """The greedy continuation, with dense attention."""
        output = self._output()
        made = []
        for _ in range(count):
            made.append(int((hidden[-1] @ output.T).argmax()))
            if made[-1] == stop:
                break
            hidden = self.forward(made[-1:])
        return made
