"""The long text of the capture: a chapter of a public-domain book with a needle in its middle.

The book is Isaac Newton's Opticks (4th edition, London 1730; public domain,
proofread by the Online Distributed Proofreading Team for Project Gutenberg).
Every Go source tree holds it as src/testdata/Isaac.Newton-Opticks.txt.
"""

import hashlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from tokenizer import encode

BOOK_IN_GOROOT = "src/testdata/Isaac.Newton-Opticks.txt"
BOOK_SHA256 = "d4a9ac22462b35e7821a4f2706c211093da678620a8f9997989ee7cf8d507bbd"
BOOK_START = "THE FIRST BOOK OF OPTICKS"

POSITIONS = 8160  # 32 short of the context, for the answer; not a multiple of a block
NEEDLE = "The secret number of the lighthouse is 7294."
ANSWER = "7294"
QUESTION = "What is the secret number of the lighthouse?"
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


@dataclass(frozen=True)
class Document:
    tokens: list[int]
    needle_position: int  # of the needle's first token
    text_start: int  # first position of the book
    text_stop: int  # first position after the book


def find_book() -> Path:
    try:
        root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as err:
        raise SystemExit(f"cannot ask Go where its source tree is ({err}): pass --book FILE") from err
    return Path(root) / BOOK_IN_GOROOT


def read_book(path: Path) -> str:
    """Paragraphs on one line each; italic marks and illustration captions removed."""
    try:
        data = Path(path).read_bytes()
    except OSError as err:
        raise SystemExit(f"cannot read the book: {err}: pass --book FILE") from err
    digest = hashlib.sha256(data).hexdigest()
    if digest != BOOK_SHA256:
        raise SystemExit(f"{path}: SHA-256 {digest}, want {BOOK_SHA256}: another edition gives other numbers")
    text = data.decode("utf-8").replace("\r\n", "\n")
    text = text[text.index(BOOK_START):].replace("_", "")
    paragraphs = [" ".join(p.split()) for p in re.split(r"\n\s*\n", text)]
    return "\n\n".join(p for p in paragraphs if p and not p.startswith("[Illustration"))


def chat_prompt(question: str) -> str:
    return f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def nearest_paragraph_end(text: list[int], newline: int) -> int:
    """Index of the blank line ("\\n", "\\n") closest to the middle of text."""
    ends = [i for i in range(1, len(text) - 1) if text[i] == newline == text[i + 1]]
    if not ends:
        raise SystemExit("no paragraph ends in the text: ask for more positions")
    return min(ends, key=lambda i: abs(i - len(text) // 2))


def build_document(tokenizer: Tokenizer, book: str, positions: int = POSITIONS) -> Document:
    """Chat turn of exactly `positions` tokens: book, needle at a paragraph end near the middle, question."""
    before, after = chat_prompt("\0").split("\0")
    head = encode(tokenizer, before)
    tail = encode(tokenizer, f"\n\n{QUESTION}{after}")
    needle = encode(tokenizer, f"\n\n{NEEDLE}")
    room = positions - len(head) - len(tail) - len(needle)
    if room < 64:
        raise SystemExit(f"{positions} positions leave no room for the text: use at least 200")

    text = encode(tokenizer, book[: room * 8])
    if len(text) < room:
        raise SystemExit(f"the book has only {len(text)} tokens, {room} wanted")
    text = text[:room]
    middle = nearest_paragraph_end(text, encode(tokenizer, "\n")[0])
    tokens = head + text[:middle] + needle + text[middle:] + tail
    assert len(tokens) == positions
    return Document(tokens, len(head) + middle, len(head), positions - len(tail))
