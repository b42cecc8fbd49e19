"""The forward pass of Gemma 3 in PyTorch.

The layers that see all positions can have another function's attention; those with a window are computed here, dense
within the window.
"""

import torch
import torch.nn.functional as F

from torch_model import TorchModel

WINDOW_ROWS = 512


class TorchGemma(TorchModel):
    @torch.no_grad()
    def forward(self, tokens: list[int], attention=None) -> torch.Tensor:
        self._check_room(tokens)
        c, w = self.config, self.weights
        start, stop = self.cached, self.cached + len(tokens)
        everywhere = self._rope_tables(c.rope_base, start, stop)
        nearby = self._rope_tables(c.local_rope_base, start, stop)
        x = w["token_embd.weight"][torch.tensor(tokens, device=self.device)] * c.hidden**0.5
        for layer in range(c.layers):
            name, turn = f"blk.{layer}.", everywhere if c.is_global(layer) else nearby
            h = self._norm(x, w[name + "attn_norm.weight"])
            q = self._norm(self._heads(h @ w[name + "attn_q.weight"].T, c.heads), w[name + "attn_q_norm.weight"])
            k = self._norm(self._heads(h @ w[name + "attn_k.weight"].T, c.kv_heads), w[name + "attn_k_norm.weight"])
            q = self._rope(q, *turn)
            self.keys[layer, :, start:stop] = self._rope(k, *turn)
            self.values[layer, :, start:stop] = self._heads(h @ w[name + "attn_v.weight"].T, c.kv_heads)
            k, v = self.keys[layer, :, :stop], self.values[layer, :, :stop]
            if c.is_global(layer):
                out = self._attend(layer, q, k, v, attention)
            else:
                out = self._dense(q, k, v, rows=WINDOW_ROWS, window=c.window).swapaxes(0, 1).reshape(len(tokens), -1)
            x = x + self._norm(out @ w[name + "attn_output.weight"].T, w[name + "post_attention_norm.weight"])
            h = self._norm(x, w[name + "ffn_norm.weight"])
            gate = F.gelu(h @ w[name + "ffn_gate.weight"].T, approximate="tanh")
            h = (gate * (h @ w[name + "ffn_up.weight"].T)) @ w[name + "ffn_down.weight"].T
            x = x + self._norm(h, w[name + "post_ffw_norm.weight"])
        self.cached = stop
        return self._norm(x, w["output_norm.weight"])
