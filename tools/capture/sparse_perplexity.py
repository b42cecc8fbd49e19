"""Runs the whole model with AnchorAttention in every layer and prints perplexity and the needle's answer per theta."""

import argparse
from pathlib import Path

import numpy as np

from anchor_attention import anchor_attention
from anchor_measures import Shape
from document import POSITIONS, build_document, find_book, read_book
from gguf_model import check_expected, open_gguf, read_config, read_weights
from llama import Llama
from measure_theta import numbers
from tokenizer import build_tokenizer, decode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--book", type=Path, help="the book's text (default: in the Go source tree)")
    parser.add_argument("--positions", type=int, default=POSITIONS)
    parser.add_argument("--thetas", type=numbers(float), default=[-np.inf, 6.0, 8.0, 10.0, 12.0, np.inf])
    parser.add_argument("--step", type=int, default=4)
    args = parser.parse_args()

    reader = open_gguf(args.model)
    config = read_config(reader)
    check_expected(config)
    tokenizer = build_tokenizer(reader)
    stop = tokenizer.token_to_id("<|im_end|>")
    document = build_document(tokenizer, read_book(args.book or find_book()), args.positions)
    weights = read_weights(reader, config)
    for theta in args.thetas:
        shape = Shape(step=args.step)
        model = Llama(config, weights, attention=lambda q, k, v: anchor_attention(q, k, v, shape, theta))
        hidden = model.forward(document.tokens)
        losses = model.negative_log_likelihood(hidden, document.tokens)
        perplexity = np.exp(losses[document.text_start : document.text_stop - 1].mean())
        answer = decode(tokenizer, model.generate(hidden[-1], 16, stop))
        print(f"theta {theta:g} step {args.step}: perplexity {perplexity:.3f}, answer {answer!r}", flush=True)


if __name__ == "__main__":
    main()
