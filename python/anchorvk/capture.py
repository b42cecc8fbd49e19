"""Writes q, k and v of a Hugging Face model's layers as files that `anchorvk eval` reads.

    python -m anchorvk.capture MODEL TEXT OUT [--layers 0,5,20-29] [--kv-heads 0] [--positions 8192]
    anchorvk eval OUT/*.safetensors --preset safe

MODEL is a folder or a name that transformers' from_pretrained takes, TEXT a file in UTF-8,
OUT a folder that gets layer-NN.safetensors. A capture that was interrupted goes on where it
stood when the same command is given again. Needs torch and transformers.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import Optional, Sequence

MOST = 1 << 20  # numbers that ranges may stand for


def numbers(text: str) -> list[int]:
    """Numbers and ranges with commas, "0,5,20-29", each once and in order."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise argparse.ArgumentTypeError(f"{text!r} are no numbers and ranges with commas, such as 0,5,20-29")
        begin, end = int(first), int(last or first)
        if end < begin or end - begin >= MOST:
            raise argparse.ArgumentTypeError(f"{part!r} is no range of up to {MOST} numbers; write the smaller one first")
        found.update(range(begin, end + 1))
    return sorted(found)


def main(arguments: Optional[Sequence[str]] = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m anchorvk.capture", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("text", metavar="TEXT", type=pathlib.Path)
    parser.add_argument("out", metavar="OUT", type=pathlib.Path)
    parser.add_argument("--layers", type=numbers, help="layers, from 0 (default: all that are plain causal attention)")
    parser.add_argument("--kv-heads", type=numbers, help="KV heads of each layer, with the query heads that read them (default: all)")
    parser.add_argument("--positions", type=int, help="tokens of the text to take (default: all)")
    parser.add_argument("--dtype", default="auto", help="type of the weights, as float32 or bfloat16 (default: that of the model's files)")
    parser.add_argument("--device", default=None, help="where torch computes, as cuda (default: the CPU)")
    given = parser.parse_args(arguments)
    try:
        text = given.text.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        parser.error(f"cannot read the text {given.text}: {e}")
    try:
        from .hf import capture  # first: its error says what to install
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as e:
        parser.exit(1, f"{parser.prog}: {e}\n")
    try:
        tokenizer = AutoTokenizer.from_pretrained(given.model)
        model = AutoModelForCausalLM.from_pretrained(given.model, dtype=given.dtype)
        done = capture(
            model.to(given.device) if given.device else model, text, given.out, tokenizer=tokenizer, layers=given.layers, kv_heads=given.kv_heads,
            positions=given.positions, name=str(given.model), say=lambda line: print(line, file=sys.stderr, flush=True),
        )
    except (OSError, ValueError) as e:
        parser.exit(1, f"{parser.prog}: {e}\n")
    if not done.files:
        parser.exit(1, f"{parser.prog}: no layer could be captured (reasons above)\n")
    print(f"{len(done.files)} layers in {given.out}; next: anchorvk eval {given.out}/*.safetensors")


if __name__ == "__main__":
    main()
