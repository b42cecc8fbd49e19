"""Writes a tiny model with random weights and sliding windows: gemma3, whose every sixth layer attends all.

It has the tokenizer of the model in --like, so that llama.cpp can read a text for it.
"""

import argparse
from pathlib import Path

import gguf
import numpy as np

from gguf_model import field, open_gguf

LAYERS, HIDDEN, HEADS, KV_HEADS, DIM, FFN, WINDOW = 6, 64, 4, 2, 32, 96, 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--like", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    like = open_gguf(args.like)
    writer = gguf.GGUFWriter(args.out, "gemma3")
    writer.add_context_length(4096)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(DIM)
    writer.add_value_length(DIM)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_sliding_window(WINDOW)
    for key in like.fields.values():
        if key.name.startswith("tokenizer."):
            writer.add_key_value(key.name, key.contents(), key.types[0], sub_type=key.types[-1] if len(key.types) > 1 else None)

    rng = np.random.default_rng(1)

    def add(name: str, *shape: int) -> None:
        # Norms around 1, projections that keep the size of what they get.
        norm = len(shape) == 1
        values = 1 + 0.1 * rng.standard_normal(shape) if norm else rng.standard_normal(shape) / np.sqrt(shape[-1])
        writer.add_tensor(name, values.astype(np.float32))

    add("token_embd.weight", len(field(like, "tokenizer.ggml.tokens")), HIDDEN)
    add("output_norm.weight", HIDDEN)
    for i in range(LAYERS):
        for name in ("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"):
            add(f"blk.{i}.{name}.weight", HIDDEN)
        for name in ("attn_q_norm", "attn_k_norm"):
            add(f"blk.{i}.{name}.weight", DIM)
        add(f"blk.{i}.attn_q.weight", HEADS * DIM, HIDDEN)
        add(f"blk.{i}.attn_k.weight", KV_HEADS * DIM, HIDDEN)
        add(f"blk.{i}.attn_v.weight", KV_HEADS * DIM, HIDDEN)
        add(f"blk.{i}.attn_output.weight", HIDDEN, HEADS * DIM)
        add(f"blk.{i}.ffn_gate.weight", FFN, HIDDEN)
        add(f"blk.{i}.ffn_up.weight", FFN, HIDDEN)
        add(f"blk.{i}.ffn_down.weight", HIDDEN, FFN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
