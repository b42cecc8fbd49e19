"""Checks of the forward passes in PyTorch and of the end-to-end runs: python -m unittest test_torch. Needs PyTorch."""

import sys
import types
import unittest
from types import SimpleNamespace
from unittest import mock

import numpy as np
import torch

import torch_model
from gemma_model import GemmaConfig
from gguf_model import Config
from llama import Llama
from torch_gemma import TorchGemma
from torch_llama import TorchLlama

LLAMA = Config("tiny", "", 2, 4, 2, 8, 32, 48, 64, 10000.0, 1e-5)
GEMMA = GemmaConfig("tiny", "", 6, 4, 1, 16, 24, 40, 96, 1e6, 1e-6, 9)


def random_weights(config, seed: int, gemma: bool) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    draw = lambda *shape: (rng.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32)
    near_one = lambda size: (1 + 0.3 * rng.normal(size=size)).astype(np.float32)
    weights = {"token_embd.weight": draw(50, config.hidden), "output_norm.weight": near_one(config.hidden)}
    for layer in range(config.layers):
        name = f"blk.{layer}."
        weights |= {
            name + "attn_norm.weight": near_one(config.hidden), name + "ffn_norm.weight": near_one(config.hidden),
            name + "attn_q.weight": 3 * draw(config.heads * config.head_dim, config.hidden),
            name + "attn_k.weight": draw(config.kv_heads * config.head_dim, config.hidden),
            name + "attn_v.weight": draw(config.kv_heads * config.head_dim, config.hidden),
            name + "attn_output.weight": draw(config.hidden, config.heads * config.head_dim),
            name + "ffn_gate.weight": draw(config.ffn, config.hidden), name + "ffn_up.weight": draw(config.ffn, config.hidden),
            name + "ffn_down.weight": draw(config.hidden, config.ffn),
        }  # fmt: skip
        if gemma:
            for own, size in (("attn_q_norm", config.head_dim), ("attn_k_norm", config.head_dim), ("post_attention_norm", config.hidden), ("post_ffw_norm", config.hidden)):
                weights[f"{name}{own}.weight"] = near_one(size)
    return weights


def naive_gemma(config: GemmaConfig, w: dict[str, np.ndarray], tokens: list[int]) -> np.ndarray:
    """The model's definition, one row and head at a time in float64."""
    w = {name: x.astype(np.float64) for name, x in w.items()}
    norm = lambda x, name: x / np.sqrt((x * x).mean() + config.rms_eps) * w[name + ".weight"]

    def turned(x, position, base):
        half = len(x) // 2
        z = (x[:half] + 1j * x[half:]) * np.exp(1j * position * base ** (-np.arange(half) / half))
        return np.concatenate([z.real, z.imag])

    xs = [w["token_embd.weight"][t] * np.sqrt(config.hidden) for t in tokens]
    for layer in range(config.layers):
        name, everywhere = f"blk.{layer}", layer in (5, 11, 17)
        base, reach = (1e6, len(tokens)) if everywhere else (1e4, config.window)
        q, k, v = [], [], []
        for position, x in enumerate(xs):
            h = norm(x, name + ".attn_norm")
            heads = (w[name + ".attn_q.weight"] @ h).reshape(config.heads, -1)
            q.append([turned(norm(one, name + ".attn_q_norm"), position, base) for one in heads])
            k.append(turned(norm(w[name + ".attn_k.weight"] @ h, name + ".attn_k_norm"), position, base))
            v.append(w[name + ".attn_v.weight"] @ h)
        for position, x in enumerate(xs):
            seen = range(max(0, position - reach + 1), position + 1)
            out = []
            for head in range(config.heads):
                e = np.exp([q[position][head] @ k[j] / np.sqrt(config.head_dim) for j in seen])
                out.append(sum(weight * v[j] for weight, j in zip(e / e.sum(), seen)))
            x = x + norm(w[name + ".attn_output.weight"] @ np.concatenate(out), name + ".post_attention_norm")
            h = norm(x, name + ".ffn_norm")
            gate = w[name + ".ffn_gate.weight"] @ h
            gate = gate / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3)))
            xs[position] = x + norm(w[name + ".ffn_down.weight"] @ (gate * (w[name + ".ffn_up.weight"] @ h)), name + ".post_ffw_norm")
    return np.array([norm(x, "output_norm") for x in xs])


class Forward(unittest.TestCase):
    tokens = [int(t) for t in np.random.default_rng(7).integers(0, 50, 40)]

    def test_llama_equals_numpy(self):
        weights = random_weights(LLAMA, 8, gemma=False)
        want = Llama(LLAMA, weights).forward(self.tokens)
        np.testing.assert_allclose(TorchLlama(LLAMA, weights).forward(self.tokens).cpu(), want, atol=2e-5)

    def test_gemma_equals_the_definition(self):
        weights = random_weights(GEMMA, 9, gemma=True)
        got = TorchGemma(GEMMA, weights).forward(self.tokens).cpu()
        np.testing.assert_allclose(got, naive_gemma(GEMMA, weights, self.tokens), atol=1e-4)

    def test_two_calls_equal_one(self):
        for config, kind in ((LLAMA, TorchLlama), (GEMMA, TorchGemma)):
            weights = random_weights(config, 10, gemma=kind is TorchGemma)
            model = kind(config, weights)
            model.forward(self.tokens[:23])
            got = model.forward(self.tokens[23:]).cpu()
            np.testing.assert_allclose(got, kind(config, weights).forward(self.tokens).cpu()[23:], atol=2e-5)

    def test_only_layers_that_see_everything_get_the_attention(self):
        model, layers = TorchGemma(GEMMA, random_weights(GEMMA, 11, gemma=True)), []

        def attention(layer, q, k, v):
            layers.append((layer, q.shape, k.shape, q.dtype))
            return np.zeros_like(q)

        dense = model.forward(self.tokens)
        model.cached = 0
        changed = model.forward(self.tokens, attention)
        self.assertEqual(layers, [(5, (4, 40, 16), (1, 40, 16), np.float16)])
        self.assertGreater(float((dense - changed).abs().max()), 0.01)

    def test_a_window_is_a_window_with_positions_before(self):
        model = TorchGemma(GEMMA, random_weights(GEMMA, 12, gemma=True))
        torch.manual_seed(13)
        q, k, v = torch.randn(4, 30, 16), torch.randn(1, 50, 16), torch.randn(1, 50, 16)
        for window in (1, 7, 49, 64, 0):
            for rows in (8, 64):
                got = model._dense(*(x.to(model.device) for x in (q, k, v)), rows=rows, window=window).cpu()
                for head, row in ((0, 0), (3, 17), (1, 29)):
                    seen = slice(max(0, 20 + row - window + 1) if window else 0, 21 + row)
                    weight = torch.softmax(k[0, seen] @ q[head, row] / 4, 0)
                    np.testing.assert_allclose(got[head, row], weight @ v[0, seen], atol=1e-5)

    def test_losses_in_pieces(self):
        weights = random_weights(LLAMA, 14, gemma=False)
        model = TorchLlama(LLAMA, weights)
        hidden = model.forward(self.tokens)
        want = Llama(LLAMA, weights).negative_log_likelihood(hidden.cpu().numpy(), self.tokens)
        for room in (1, 50 * 7, 1 << 20):
            with mock.patch.object(torch_model, "LOGITS", room):
                np.testing.assert_allclose(model.losses(hidden, self.tokens), want, atol=1e-5)

    def test_a_prompt_that_does_not_fit(self):
        with self.assertRaisesRegex(SystemExit, "65 positions do not fit the context of 64"):
            TorchLlama(LLAMA, random_weights(LLAMA, 15, gemma=False)).forward([0] * 65)


class Engine:
    """Stands for anchorvk's engine: dense attention, and statistics."""

    def attention(self, q, k, v, **params):
        self.params = params
        q, k, v = (torch.from_numpy(x[0]).float() for x in (q, k, v))
        k, v = (x.repeat_interleave(len(q) // len(k), 0) for x in (k, v))
        n, m = q.shape[1], k.shape[1]
        scores = q @ k.swapaxes(1, 2) * q.shape[-1] ** -0.5
        scores.masked_fill_(torch.ones(n, m).triu(m - n + 1).bool(), float("-inf"))
        stats = SimpleNamespace(total_ms=2.0, computed_ratio=0.5, selection_ratio=0.25, guarded_ratio=0.125, missed_mass=0.0625)
        return SimpleNamespace(o=(scores.softmax(-1) @ v).half().numpy()[None], stats=stats)


class EndToEnd(unittest.TestCase):
    def setUp(self):
        with mock.patch.dict(sys.modules, {"anchorvk": types.ModuleType("anchorvk")}):
            import end_to_end

            self.end_to_end = end_to_end
        self.tokens = Forward.tokens
        self.words = [f"\u2581{i}" for i in range(50)]
        self.text = {"id": "t", "kind": "text", "tokens": self.tokens, "digest": "d", "seen": False}

    def run_one(self, model, setting, prompt):
        return self.end_to_end.run(model, Engine(), setting, prompt, -1, self.words)

    def test_a_text_of_each_family(self):
        for config, kind in ((LLAMA, TorchLlama), (GEMMA, TorchGemma)):
            model = kind(config, random_weights(config, 16, gemma=kind is TorchGemma))
            plain, safe = (self.run_one(model, s, self.text) for s in ("float32", "safe"))
            self.assertEqual((safe["model"], safe["positions"], safe["computed_ratio"], safe["guarded_ratio"]), ("tiny", 40, 0.5, 0.125))
            self.assertEqual(safe["attention_ms"], 2.0 * (2 if kind is TorchLlama else 1))
            self.assertNotIn("computed_ratio", plain)
            self.assertAlmostEqual(plain["loss"], safe["loss"], places=2)
            self.assertAlmostEqual(float(np.exp(plain["loss"])), plain["perplexity"], places=3)

    def test_an_answer(self):
        model = TorchLlama(LLAMA, random_weights(LLAMA, 17, gemma=False))
        hidden = model.forward(self.tokens)
        want = "".join(f" {i}" for i in model.generate(hidden, 16, -1))
        needle = {"id": "n", "kind": "needle", "tokens": self.tokens, "answer": want[:6]}
        got = self.run_one(model, "float32", needle)
        self.assertEqual((got["answer"], got["found"]), (want, True))
        self.assertFalse(self.run_one(model, "float32", needle | {"answer": "none"})["found"])

    def test_a_stretched_prompt_has_its_own_base_and_leaves_the_model_as_it_was(self):
        model = TorchLlama(LLAMA, random_weights(LLAMA, 18, gemma=False))
        before = self.run_one(model, "float32", self.text)
        far = self.run_one(model, "float32", self.text | {"extrapolated": True, "rope_base": 40000.0})
        self.assertEqual((far["extrapolated"], far["rope_base"]), (True, 40000.0))
        self.assertNotEqual(far["loss"], before["loss"])
        after = self.run_one(model, "float32", self.text)
        self.assertEqual(after["loss"], before["loss"])
        self.assertNotIn("extrapolated", after)


if __name__ == "__main__":
    unittest.main()
