"""Writes the prompts of an end-to-end measurement, as tokens: long texts, and needles in them.

    python prompts.py --model MODEL.gguf --jargon FOLDER --out prompts.json [--plan NAME]

A plan says which model the prompts are for, and of what lengths.
"""

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import gguf

from document import chat_prompt
from gemma_model import read_gemma_config
from gemma_tokenizer import build_gemma_tokenizer
from gguf_model import Config, check_expected, field, open_gguf, read_config
from texts import all_texts
from tokenizer import build_tokenizer, encode

# Needle, question, answer; each wording hides in the text of its place in this list.
WORDINGS = (
    ("The secret number of the lighthouse is 7294.", "What is the secret number of the lighthouse?", "7294"),
    ("Remember: the password for the garden gate is marigold.", "What is the password for the garden gate?", "marigold"),
    ("Anna's train leaves from platform 38.", "From which platform does Anna's train leave?", "38"),
    ("The favorite color of Captain Brown is purple.", "What is the favorite color of Captain Brown?", "purple"),
    ("The old clock in the tower stopped at 5:17.", "At what time did the old clock in the tower stop?", "5:17"),
)
TEXTS = ("book", "jargon", "manual", "python", "go")
UNSEEN = ("jargon", "manual", "go")


@dataclass(frozen=True)
class Plan:
    """Lengths are in tokens, each 32 or more short of a power of two, for the answer, and no multiple of a block."""

    architecture: str
    text_lengths: tuple[int, ...]
    needle_lengths: tuple[int, ...]
    depths: tuple[float, ...]
    texts: tuple[str, ...] = TEXTS
    hidden_in: tuple[str, ...] = TEXTS


PLANS = {
    "smollm2": Plan("llama", (8160,), (1020, 2040, 4080, 8160), (0.1, 0.3, 0.5, 0.7, 0.9)),
    "smollm2-long": Plan("llama", (32736, 16352), (), (), UNSEEN),
    "gemma3": Plan("gemma3", (32736, 16352, 8160), (32736, 16352, 8160), (0.3, 0.7), UNSEEN, ("book", "jargon", "manual", "go")),
}


@dataclass(frozen=True)
class Words:
    """Text to tokens of one model, and how the model is asked for a needle."""

    encode: Callable[[str], list[int]]
    begin: list[int]  # tokens before any text
    stop: int  # token that ends an answer
    turn: Callable[[str, str, str], tuple[str, str]]  # needle, question, answer: text before and after the haystack


def chat_turn(needle: str, question: str, answer: str) -> tuple[str, str]:
    before, after = chat_prompt("\0").split("\0")
    return before, f"\n\n{question}{after}"


def completion(needle: str, question: str, answer: str) -> tuple[str, str]:
    """For a model that was not taught to answer: the needle's own words up to its answer, after the question."""
    return "", f"\n\nQuestion: {question}\nAnswer: {needle[: needle.rindex(answer)].rstrip()}"


def read_model(reader: gguf.GGUFReader, architecture: str) -> tuple[Config, Words]:
    got = field(reader, "general.architecture")
    if got != architecture:
        raise SystemExit(f"GGUF architecture is {got!r}, and the plan is for {architecture!r}: take another --plan or --model")
    if architecture == "gemma3":
        tokens = build_gemma_tokenizer(reader)
        begin, stop = (field(reader, f"tokenizer.ggml.{name}_token_id") for name in ("bos", "eos"))
        return read_gemma_config(reader), Words(tokens.encode, [begin], stop, completion)
    config = read_config(reader)
    check_expected(config)
    tokenizer = build_tokenizer(reader)
    return config, Words(lambda text: encode(tokenizer, text), [], tokenizer.token_to_id("<|im_end|>"), chat_turn)


def needle_prompt(words: Words, text: list[int], wording: tuple[str, str, str], length: int, depth: float) -> list[int]:
    """`length` tokens: text, the needle after a line's end near `depth`, the question."""
    before, after = words.turn(*wording)
    head, tail = words.begin + words.encode(before), words.encode(after)
    hidden = words.encode(f"\n\n{wording[0]}\n\n")
    room = length - len(head) - len(tail) - len(hidden)
    newline = words.encode("\n")[0]
    ends = [i + 1 for i in range(room - 1) if text[i] == newline] or [int(room * depth)]
    at = min(ends, key=lambda i: abs(i - room * depth))
    return head + text[:at] + hidden + text[at:room] + tail


def stretch(config: Config, length: int) -> dict:
    """What a prompt beyond the context says of the RoPE that the model then gets: "NTK-aware" scaling.

    The base grows so that the slowest pair turns over `length` positions as far as over the context before; the
    fastest pair stays as it was.
    """
    factor = 1
    while length > factor * config.context:
        factor *= 2
    if factor == 1:
        return {}
    base = config.rope_base * factor ** (config.head_dim / (config.head_dim - 2))
    return {"extrapolated": True, "rope_base": round(base, 3)}


def write_whole(path: Path, text: str) -> None:
    """A file that is there is complete."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--jargon", type=Path, required=True, help="folder with Debian's package jargon-text, unpacked")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--plan", choices=PLANS, default="smollm2")
    args = parser.parse_args()
    plan = PLANS[args.plan]
    config, words = read_model(open_gguf(args.model), plan.architecture)
    longest = max(plan.text_lengths + plan.needle_lengths)
    texts = {t.name: t for t in all_texts(args.jargon)}
    tokens = {name: words.encode(texts[name].text[: 12 * longest]) for name in {*plan.texts, *plan.hidden_in}}
    for name, ids in tokens.items():
        if len(ids) < longest:
            raise SystemExit(f"{name} has only {len(ids)} tokens, and the plan {args.plan} wants {longest}")
    prompts = []
    for length in plan.text_lengths:
        for t in (texts[name] for name in plan.texts):
            prompts.append({
                "id": t.name if len(plan.text_lengths) == 1 else f"{t.name}-{length}", "kind": "text", "source": t.source, "seen": t.seen,
                "digest": t.digest, **stretch(config, length), "tokens": (words.begin + tokens[t.name])[:length],
            })
    for wording, name in zip(WORDINGS, TEXTS):
        for length in plan.needle_lengths if name in plan.hidden_in else ():
            for depth in plan.depths:
                prompts.append({
                    "id": f"needle-{wording[2]}-{length}-{depth}", "kind": "needle", "answer": wording[2], "text": name,
                    "tokens": needle_prompt(words, tokens[name], wording, length, depth),
                })
    write_whole(args.out, json.dumps({"plan": args.plan, "architecture": plan.architecture, "stop": words.stop, "prompts": prompts}))
    print(f"{len(prompts)} prompts in {args.out}")


if __name__ == "__main__":
    main()
