"""Shows that the forward pass is right: continuations, perplexity, RoPE order, cache, needle."""

import argparse
from pathlib import Path

import numpy as np

from document import ANSWER, build_document, chat_prompt, find_book, read_book
from gguf_model import check_expected, open_gguf, read_config, read_weights
from llama import Llama
from tokenizer import build_tokenizer, decode, encode

PROMPTS = ["Gravity is", "Once upon a time, there was a little", chat_prompt("What is the capital of France?")]
TEXT_TOKENS = 2048
PLAUSIBLE_PERPLEXITY = (5.0, 40.0)  # a 135M model on 18th-century prose
WRONG_ORDER_FACTOR = 5.0  # as-stored RoPE rows must be at least this much worse
NEEDLE_POSITIONS = (512, 1024, 2048)


def perplexity(model: Llama, tokens: list[int]) -> float:
    model.reset()
    return float(np.exp(model.negative_log_likelihood(model.forward(tokens), tokens).mean()))


def prefill_in_two(model: Llama, tokens: list[int]) -> float:
    """Largest difference of the last hidden state between one call and two."""
    model.reset()
    whole = model.forward(tokens)[-1]
    model.reset()
    model.forward(tokens[: len(tokens) // 3])
    return float(np.abs(model.forward(tokens[len(tokens) // 3 :])[-1] - whole).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--book", type=Path, help="the book's text (default: in the Go source tree)")
    args = parser.parse_args()

    reader = open_gguf(args.model)
    config = read_config(reader)
    check_expected(config)
    print(config)
    tokenizer = build_tokenizer(reader)
    stop = tokenizer.token_to_id("<|im_end|>")
    book = read_book(args.book or find_book())
    model = Llama(config, read_weights(reader, config))
    failures = []

    def expect(holds: bool, claim: str) -> None:
        print(("ok    " if holds else "FAIL  ") + claim)
        if not holds:
            failures.append(claim)

    for prompt in PROMPTS:
        model.reset()
        hidden = model.forward(encode(tokenizer, prompt))
        continuation = decode(tokenizer, model.generate(hidden[-1], 32, stop))
        print(f"greedy: {prompt!r} -> {continuation!r}")
    expect("Paris" in continuation, "the capital of France is Paris")

    text = encode(tokenizer, book[: TEXT_TOKENS * 8])[:TEXT_TOKENS]
    right = perplexity(model, text)
    low, high = PLAUSIBLE_PERPLEXITY
    expect(low < right < high, f"perplexity of the first {TEXT_TOKENS} tokens of the book: {right:.2f}")
    shuffled = [text[i] for i in np.random.default_rng(0).permutation(len(text))]
    wrong = perplexity(model, shuffled)
    expect(wrong > 20 * right, f"perplexity of the same tokens shuffled: {wrong:.0f}")
    difference = prefill_in_two(model, text[:600])
    expect(difference < 1e-2, f"prefill in two calls differs by at most {difference:.1e} (hidden state)")

    for positions in NEEDLE_POSITIONS:
        document = build_document(tokenizer, book, positions)
        model.reset()
        answer = decode(tokenizer, model.generate(model.forward(document.tokens)[-1], 16, stop))
        expect(ANSWER in answer, f"needle at {document.needle_position} of {positions}: {answer!r}")

    model = Llama(config, read_weights(reader, config, rope_rows="as-stored"))
    wrong = perplexity(model, text)
    expect(wrong > WRONG_ORDER_FACTOR * right, f"perplexity without the RoPE un-permutation: {wrong:.0f}")
    if failures:
        raise SystemExit(f"{len(failures)} checks failed")


if __name__ == "__main__":
    main()
