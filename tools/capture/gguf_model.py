"""Reads a llama-architecture GGUF file: hyperparameters and float32 weights.

GGUF stores the rows of the query and key projections permuted, so that the two
halves of every RoPE pair are neighbours ("interleaved"). `unpermute` puts them
back into the half-split order of the original checkpoint: within a head, row i
and row i + dim/2 form a pair.
"""

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np


@dataclass(frozen=True)
class Config:
    name: str
    licence: str
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    ffn: int
    context: int
    rope_base: float
    rms_eps: float


# What the file must say, so that a different model cannot slip in unnoticed.
EXPECTED = {
    "layers": 30,
    "heads": 9,
    "kv_heads": 3,
    "head_dim": 64,
    "context": 8192,
    "rope_base": 100000.0,
}


def open_gguf(path: Path) -> gguf.GGUFReader:
    if not Path(path).is_file():
        raise SystemExit(f"{path}: no such GGUF file: run capture.sh, which fetches it")
    return gguf.GGUFReader(str(path))


def field(reader: gguf.GGUFReader, name: str):
    found = reader.get_field(name)
    if found is None:
        raise SystemExit(f"GGUF header lacks {name}: is this a llama-architecture model?")
    return found.contents()


def read_config(reader: gguf.GGUFReader) -> Config:
    architecture = field(reader, "general.architecture")
    if architecture != "llama":
        raise SystemExit(f"GGUF architecture is {architecture!r}, want 'llama'")
    heads = field(reader, "llama.attention.head_count")
    hidden = field(reader, "llama.embedding_length")
    config = Config(
        name=field(reader, "general.name"),
        licence=field(reader, "general.license"),
        layers=field(reader, "llama.block_count"),
        heads=heads,
        kv_heads=field(reader, "llama.attention.head_count_kv"),
        head_dim=hidden // heads,
        hidden=hidden,
        ffn=field(reader, "llama.feed_forward_length"),
        context=field(reader, "llama.context_length"),
        rope_base=field(reader, "llama.rope.freq_base"),
        rms_eps=field(reader, "llama.attention.layer_norm_rms_epsilon"),
    )
    if field(reader, "llama.rope.dimension_count") != config.head_dim:
        raise SystemExit("RoPE covers only part of the head: not supported here")
    return config


def check_expected(config: Config) -> None:
    """Stops unless the header is that of SmolLM2-135M."""
    for name, want in EXPECTED.items():
        got = getattr(config, name)
        if got != want:
            raise SystemExit(f"GGUF header: {name} is {got}, want {want} (SmolLM2-135M)")


def plain_text(pieces: list[str]) -> str:
    """Vocabulary entries as text: byte-level pairs and SentencePiece write spaces and line breaks their own way."""
    return "".join(pieces).replace("\u0120", " ").replace("\u2581", " ").replace("\u010a", "\n")


def unpermute(weight: np.ndarray, heads: int) -> np.ndarray:
    """Interleaved RoPE rows -> half-split rows. weight: [heads*head_dim, in]."""
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def read_weights(reader: gguf.GGUFReader, config: Config, rope_rows: str = "unpermuted"):
    """All tensors as float32 arrays, [out, in], keyed by their GGUF names.

    rope_rows "unpermuted" is right for the llama architecture, where "as-stored"
    exists for the check that shows how wrong the model is without it. Of the gemma3
    architecture the rows are stored half-split: "as-stored" is right.
    """
    weights = {}
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        values = np.ascontiguousarray(values, dtype=np.float32)
        if rope_rows == "unpermuted":
            if tensor.name.endswith("attn_q.weight"):
                values = unpermute(values, config.heads)
            elif tensor.name.endswith("attn_k.weight"):
                values = unpermute(values, config.kv_heads)
        weights[tensor.name] = values
    return weights
