"""Compares a capture of llama.cpp with the forward pass here, on the same tokens.

    python compare_llama.py --model MODEL.gguf --capture FOLDER --most 0.01

Prints the relative L2 distance of q, k and v for some layers, and ends with 1 if one of all
layers is beyond --most. GGUF keeps the rows of llama's query and key projections so that the halves of a
RoPE pair are neighbours, and so are the elements of q and k that llama.cpp computes: they are
put into the order of the original model before they are compared.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from safetensors import safe_open

from gguf_model import check_expected, open_gguf, read_config, read_weights
from llama import Llama
from tokenizer import build_tokenizer, decode

SHOWN = 6  # layers in the table


def half_split(x: np.ndarray) -> np.ndarray:
    """[..., dim] with pairs as neighbours -> pairs dim/2 apart."""
    return np.concatenate([x[..., 0::2], x[..., 1::2]], axis=-1)


def distance(got: np.ndarray, want: np.ndarray) -> float:
    return float(np.linalg.norm(got.astype(np.float64) - want) / np.linalg.norm(want.astype(np.float64)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--capture", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True, help="what was captured, to compare the tokens")
    parser.add_argument("--most", type=float, required=True)
    args = parser.parse_args()

    reader = open_gguf(args.model)
    config = read_config(reader)
    check_expected(config)
    tokens = json.loads((args.capture / "tokens.json").read_text())
    text = decode(build_tokenizer(reader), tokens)
    if not args.text.read_bytes().decode().startswith(text) or len(text) < len(tokens):
        sys.exit(f"{args.capture}/tokens.json are not the tokens of {args.text}")

    distances, wrong = [], []

    def compare(layer, q, k, v):
        with safe_open(args.capture / f"layer-{layer:02d}.safetensors", framework="numpy") as file:
            got = [file.get_tensor(name) for name in "qkv"]
        for name, a, b in zip("qkv", got, (q, k, v)):
            if a.shape != b.shape:
                sys.exit(f"layer {layer}: {name} is {a.shape}, not {b.shape}")
        distances.append((distance(half_split(got[0]), q), distance(half_split(got[1]), k), distance(got[2], v)))
        wrong.append(distance(got[0], q))

    Llama(config, read_weights(reader, config)).forward(tokens, on_layer=compare)
    print(f"{len(tokens)} positions of {config.layers} layers; relative L2 distances:\n| layer | q | k | v |\n| --: | --: | --: | --: |")
    for layer in np.linspace(0, config.layers - 1, SHOWN).round().astype(int):
        print(f"| {layer} | " + " | ".join(f"{d:.2e}" for d in distances[layer]) + " |")
    largest = float(np.max(distances))
    print(f"largest of all layers {largest:.2e}, allowed {args.most:g}")
    # The distance tells: with the elements of q in GGUF's order all is off.
    if not largest <= args.most or min(wrong) < 0.3:
        sys.exit(f"too far (q in GGUF's order: at least {min(wrong):.2f})")


if __name__ == "__main__":
    main()
