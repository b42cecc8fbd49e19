"""Reads the hyperparameters of a gemma3-architecture GGUF file.

Its weights are read by gguf_model.read_weights with rope_rows "as-stored": query and key rows keep the half-split order
of the checkpoint. Every norm's weight is stored with the 1 that Gemma adds to it, so that it multiplies as it is.
"""

from dataclasses import dataclass

import gguf

from gguf_model import Config, field

# What a GGUF header leaves to the reader of this architecture.
GLOBAL_EVERY = 6
LOCAL_ROPE_BASE = 10000.0

EXPECTED = {
    "layers": 18,
    "heads": 4,
    "kv_heads": 1,
    "head_dim": 256,
    "context": 32768,
    "rope_base": 1000000.0,
    "window": 512,
}


@dataclass(frozen=True)
class GemmaConfig(Config):
    """Layers 5, 11, 17, … see all positions; the others a window of positions, with a RoPE of their own base."""

    window: int
    global_every: int = GLOBAL_EVERY
    local_rope_base: float = LOCAL_ROPE_BASE

    def is_global(self, layer: int) -> bool:
        return layer % self.global_every == self.global_every - 1


def read_gemma_config(reader: gguf.GGUFReader) -> GemmaConfig:
    architecture = field(reader, "general.architecture")
    if architecture != "gemma3":
        raise SystemExit(f"GGUF architecture is {architecture!r}, want 'gemma3'")
    config = GemmaConfig(
        name=field(reader, "general.name"),
        licence=field(reader, "general.license"),
        layers=field(reader, "gemma3.block_count"),
        heads=field(reader, "gemma3.attention.head_count"),
        kv_heads=field(reader, "gemma3.attention.head_count_kv"),
        head_dim=field(reader, "gemma3.attention.key_length"),
        hidden=field(reader, "gemma3.embedding_length"),
        ffn=field(reader, "gemma3.feed_forward_length"),
        context=field(reader, "gemma3.context_length"),
        rope_base=field(reader, "gemma3.rope.freq_base"),
        rms_eps=field(reader, "gemma3.attention.layer_norm_rms_epsilon"),
        window=field(reader, "gemma3.attention.sliding_window"),
    )
    if field(reader, "gemma3.attention.value_length") != config.head_dim:
        raise SystemExit("values have another length than keys: not supported here")
    for name, want in EXPECTED.items():
        got = getattr(config, name)
        if got != want:
            raise SystemExit(f"GGUF header: {name} is {got}, want {want} (Gemma 3 270M)")
    return config
