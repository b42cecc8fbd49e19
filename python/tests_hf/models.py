"""Tiny models of transformers with random weights, and what their attention computes."""

import copy

import numpy as np
import torch
from transformers import GraniteConfig, GraniteForCausalLM, LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

SIZES = dict(vocab_size=300, hidden_size=96, intermediate_size=96, num_hidden_layers=3, num_attention_heads=6, num_key_value_heads=2, head_dim=16, max_position_embeddings=1024)
TOKENS = [int(i) for i in np.random.default_rng(1).integers(0, 300, 200)]


def random_model(model_class, config):
    """A model whose scores spread, so that wrong keys give wrong outputs."""
    torch.manual_seed(7)
    model = model_class(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight")):
                weight.mul_(8)
    return model


def llama(**more):
    return random_model(LlamaForCausalLM, LlamaConfig(**SIZES, **more))


def qwen3(**more):
    return random_model(Qwen3ForCausalLM, Qwen3Config(**SIZES, **more))


def windowed(window=48):
    """Full attention in layer 0, a window in layers 1 and 2."""
    return qwen3(use_sliding_window=True, sliding_window=window, max_window_layers=1)


def granite():
    """A scale of its own: 0.4 instead of 0.25."""
    return random_model(GraniteForCausalLM, GraniteConfig(**{n: s for n, s in SIZES.items() if n != "head_dim"}, attention_multiplier=0.4))


def attention_outputs(model, tokens, implementation="sdpa"):
    """What each layer's attention gives to its output projection: [positions, heads * head_dim]."""
    model = copy.deepcopy(model)
    model.set_attn_implementation(implementation)
    seen = {}
    for i, layer in enumerate(model.model.layers):
        layer.self_attn.o_proj.register_forward_pre_hook(lambda _, args, i=i: seen.__setitem__(i, args[0][0].double().numpy()))
    with torch.no_grad():
        model(torch.tensor([tokens]), use_cache=False)
    return seen


def attend(q, k, v):
    """Causal attention in float64: q [heads, n, dim], k and v [kv_heads, n, dim] -> [n, heads, dim]."""
    q, k, v = (a.astype(np.float64) for a in (q, k, v))
    share, n = len(q) // len(k), q.shape[1]
    scores = q @ np.repeat(k, share, 0).swapaxes(1, 2) / np.sqrt(q.shape[2])
    scores[:, np.triu(np.ones((n, n), bool), 1)] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return (weights / weights.sum(-1, keepdims=True) @ np.repeat(v, share, 0)).swapaxes(0, 1)


def rel_l2(got, want):
    return np.linalg.norm(np.asarray(got, float) - want) / np.linalg.norm(want)
