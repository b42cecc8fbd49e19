"""The forward pass of llama.py in PyTorch."""

import torch
import torch.nn.functional as F

from torch_model import TorchModel


class TorchLlama(TorchModel):
    @torch.no_grad()
    def forward(self, tokens: list[int], attention=None) -> torch.Tensor:
        self._check_room(tokens)
        c, w = self.config, self.weights
        start, stop = self.cached, self.cached + len(tokens)
        cos, sin = self._rope_tables(c.rope_base, start, stop)
        x = w["token_embd.weight"][torch.tensor(tokens, device=self.device)]
        for layer in range(c.layers):
            name = f"blk.{layer}."
            h = self._norm(x, w[name + "attn_norm.weight"])
            q = self._rope(self._heads(h @ w[name + "attn_q.weight"].T, c.heads), cos, sin)
            self.keys[layer, :, start:stop] = self._rope(self._heads(h @ w[name + "attn_k.weight"].T, c.kv_heads), cos, sin)
            self.values[layer, :, start:stop] = self._heads(h @ w[name + "attn_v.weight"].T, c.kv_heads)
            out = self._attend(layer, q, self.keys[layer, :, :stop], self.values[layer, :, :stop], attention)
            x = x + out @ w[name + "attn_output.weight"].T
            h = self._norm(x, w[name + "ffn_norm.weight"])
            x = x + (F.silu(h @ w[name + "ffn_gate.weight"].T) * (h @ w[name + "ffn_up.weight"].T)) @ w[name + "ffn_down.weight"].T
        self.cached = stop
        return self._norm(x, w["output_norm.weight"])
