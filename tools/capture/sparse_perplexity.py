"""Runs the whole model with AnchorAttention in every layer and prints perplexity and the needle's answer per theta.

With --table and --dense-heads N the N heads of lowest recall_mass in that table
stay dense, which shows how much of the loss they cause.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

from anchor_attention import anchor_attention
from anchor_measures import Shape
from document import POSITIONS, build_document, find_book, read_book
from gguf_model import check_expected, open_gguf, read_config, read_weights
from llama import Llama, causal_attention
from measure_theta import numbers
from tokenizer import build_tokenizer, decode


def lowest_recall(table: Path, theta: float, step: int, count: int) -> set[tuple[int, int]]:
    """(layer, head) of the heads that lose most at this theta and step."""
    with open(table, newline="") as file:
        rows = [r for r in csv.DictReader(file) if (float(r["theta"]), int(r["step"])) == (theta, step)]
    if not rows:
        raise SystemExit(f"{table} has no rows for theta {theta:g}, step {step}")
    rows.sort(key=lambda r: float(r["recall_mass"]))
    return {(int(r["layer"]), int(r["head"])) for r in rows[:count]}


def sparse_prefill(shape: Shape, theta: float, dense: set[tuple[int, int]]):
    """An attention for Llama: AnchorAttention except in the (layer, head) pairs of dense."""

    def attend(layer, q, k, v):
        heads, seq, dim = q.shape
        share = heads // len(k)
        out = anchor_attention(q, k, v, shape, theta).reshape(seq, heads, dim)
        for head in (h for at, h in dense if at == layer):
            kv = slice(head // share, head // share + 1)
            out[:, head] = causal_attention(q[head : head + 1], k[kv], v[kv])
        return out.reshape(seq, heads * dim)

    return attend


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--book", type=Path, help="the book's text (default: in the Go source tree)")
    parser.add_argument("--positions", type=int, default=POSITIONS)
    parser.add_argument("--thetas", type=numbers(float), default=[-np.inf, 6.0, 8.0, 10.0, 12.0, np.inf])
    parser.add_argument("--step", type=int, default=4)
    parser.add_argument("--table", type=Path, help="CSV of measure_theta.py, for --dense-heads")
    parser.add_argument("--dense-heads", type=int, default=0)
    args = parser.parse_args()
    if args.dense_heads and args.table is None:
        parser.error("--dense-heads needs --table")

    reader = open_gguf(args.model)
    config = read_config(reader)
    check_expected(config)
    tokenizer = build_tokenizer(reader)
    stop = tokenizer.token_to_id("<|im_end|>")
    document = build_document(tokenizer, read_book(args.book or find_book()), args.positions)
    weights = read_weights(reader, config)
    for theta in args.thetas:
        dense = lowest_recall(args.table, theta, args.step, args.dense_heads) if args.dense_heads else set()
        model = Llama(config, weights, sparse_prefill(Shape(step=args.step), theta, dense))
        hidden = model.forward(document.tokens)
        losses = model.negative_log_likelihood(hidden, document.tokens)
        perplexity = np.exp(losses[document.text_start : document.text_stop - 1].mean())
        answer = decode(tokenizer, model.generate(hidden[-1], 16, stop))
        print(f"theta {theta:g} step {args.step} dense heads {len(dense)}: perplexity {perplexity:.3f}, answer {answer!r}", flush=True)


if __name__ == "__main__":
    main()
