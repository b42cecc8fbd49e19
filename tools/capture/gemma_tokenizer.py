"""The tokenizer of Gemma from the vocabulary and scores in a GGUF file.

SentencePiece's byte-pair encoding: a space is written \u2581; runs of spaces, line breaks and tags that the vocabulary
names are tokens by themselves; in what is left, the two neighbours whose joined piece has the highest score are joined
until no joined piece is in the vocabulary. A character that is in no piece becomes its UTF-8 bytes.
"""

import heapq
import re

import gguf

from gguf_model import field

SPACE = "\u2581"
NORMAL, USER_DEFINED, BYTE = 1, 4, 6  # GGUF token types


class GemmaTokenizer:
    def __init__(self, tokens: list[str], scores: list[float], types: list[int]):
        self.tokens = tokens
        kinds = list(zip(tokens, types))
        self.ids = {t: i for i, (t, kind) in enumerate(kinds) if kind == NORMAL}
        self.scores = scores
        self.whole = {t: i for i, (t, kind) in enumerate(kinds) if kind == USER_DEFINED}
        self.bytes = {int(t[1:-1], 16): i for i, (t, kind) in enumerate(kinds) if kind == BYTE}
        longest_first = sorted(self.whole, key=len, reverse=True)
        self.split = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")") if longest_first else None

    def encode(self, text: str) -> list[int]:
        """Token numbers of the text, without a mark of its beginning."""
        out = []
        for part in self.split.split(text) if self.split else [text]:
            if part in self.whole:
                out.append(self.whole[part])
            elif part:
                out += self._join(part.replace(" ", SPACE))
        return out

    def _join(self, text: str) -> list[int]:
        piece = list(text)
        left, right = list(range(-1, len(piece) - 1)), list(range(1, len(piece) + 1))
        heap = []

        def offer(a: int) -> None:
            if a >= 0 and right[a] < len(piece):
                joined = piece[a] + piece[right[a]]
                if joined in self.ids:
                    heapq.heappush(heap, (-self.scores[self.ids[joined]], a, right[a], joined))

        for i in range(len(piece)):
            offer(i)
        while heap:
            _, a, b, joined = heapq.heappop(heap)
            if not piece[a] or not piece[b] or piece[a] + piece[b] != joined:
                continue  # one of the two was joined with another meanwhile
            piece[a], piece[b] = joined, ""
            right[a] = right[b]
            if right[a] < len(piece):
                left[right[a]] = a
            offer(left[a])
            offer(a)
        return [i for p in piece if p for i in self._numbers(p)]

    def _numbers(self, piece: str) -> list[int]:
        if piece in self.ids:
            return [self.ids[piece]]
        return [self.bytes[b] for b in piece.encode()]


def build_gemma_tokenizer(reader: gguf.GGUFReader) -> GemmaTokenizer:
    kind, prefix = field(reader, "tokenizer.ggml.model"), field(reader, "tokenizer.ggml.add_space_prefix")
    if kind != "llama" or prefix:
        raise SystemExit(f"tokenizer {kind}, space before the text: {prefix}, in the GGUF header; want llama and none")
    return GemmaTokenizer(*(field(reader, f"tokenizer.ggml.{name}") for name in ("tokens", "scores", "token_type")))
