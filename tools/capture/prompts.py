"""Writes the prompts of the end-to-end measurement, as tokens: five long texts, and needles in them.

    python prompts.py --model MODEL.gguf --jargon FOLDER --out prompts.json
"""

import argparse
import json
from pathlib import Path

from document import chat_prompt
from gguf_model import check_expected, open_gguf, read_config
from texts import all_texts
from tokenizer import build_tokenizer, encode

POSITIONS = 8160
LENGTHS = (1020, 2040, 4080, 8160)
DEPTHS = (0.1, 0.3, 0.5, 0.7, 0.9)
# Needle, question, answer; each wording hides in the text of its place in this list.
WORDINGS = (
    ("The secret number of the lighthouse is 7294.", "What is the secret number of the lighthouse?", "7294"),
    ("Remember: the password for the garden gate is marigold.", "What is the password for the garden gate?", "marigold"),
    ("Anna's train leaves from platform 38.", "From which platform does Anna's train leave?", "38"),
    ("The favorite color of Captain Brown is purple.", "What is the favorite color of Captain Brown?", "purple"),
    ("The old clock in the tower stopped at 5:17.", "At what time did the old clock in the tower stop?", "5:17"),
)


def needle_prompt(tokenizer, text: list[int], needle: str, question: str, length: int, depth: float) -> list[int]:
    """A chat turn of `length` tokens: text, the needle after a line's end near `depth`, the question."""
    before, after = chat_prompt("\0").split("\0")
    head, tail = encode(tokenizer, before), encode(tokenizer, f"\n\n{question}{after}")
    hidden = encode(tokenizer, f"\n\n{needle}\n\n")
    room = length - len(head) - len(tail) - len(hidden)
    newline = encode(tokenizer, "\n")[0]
    ends = [i + 1 for i in range(room - 1) if text[i] == newline] or [int(room * depth)]
    at = min(ends, key=lambda i: abs(i - room * depth))
    return head + text[:at] + hidden + text[at:room] + tail


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--jargon", type=Path, required=True, help="folder with Debian's package jargon-text, unpacked")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    reader = open_gguf(args.model)
    check_expected(read_config(reader))
    tokenizer = build_tokenizer(reader)
    prompts = []
    texts = all_texts(args.jargon)
    tokens = [encode(tokenizer, t.text[: 12 * POSITIONS]) for t in texts]
    for t, ids in zip(texts, tokens):
        if len(ids) < POSITIONS:
            raise SystemExit(f"{t.name} has only {len(ids)} tokens")
        prompts.append({"id": t.name, "kind": "text", "source": t.source, "seen": t.seen, "digest": t.digest, "tokens": ids[:POSITIONS]})
    for (needle, question, answer), t, ids in zip(WORDINGS, texts, tokens):
        for length in LENGTHS:
            for depth in DEPTHS:
                prompts.append({
                    "id": f"needle-{answer}-{length}-{depth}", "kind": "needle", "answer": answer, "text": t.name,
                    "tokens": needle_prompt(tokenizer, ids, needle, question, length, depth),
                })
    stop = tokenizer.token_to_id("<|im_end|>")
    words = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    args.out.write_text(json.dumps({"stop": stop, "vocabulary": words, "prompts": prompts}))
    print(f"{len(prompts)} prompts in {args.out}")


if __name__ == "__main__":
    main()
