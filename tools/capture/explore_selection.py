"""Ways of choosing keys, tried on a whole model in PyTorch before any of them becomes a kernel.

    python explore_selection.py --model MODEL.gguf --prompts prompts.json --rules rules.json --out results.jsonl [--texts book,go]

rules.json maps a name to the fields of Rule. Attention is masked by what a rule keeps, in float32; keys are
chosen by float32 scores. One line of results for each rule and prompt, appended as it is known. What was
tried, and with which result, is in ../../docs/quality.md.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gguf_model import check_expected, field, open_gguf, plain_text, read_config, read_weights
from torch_llama import TorchLlama

ANSWER_TOKENS = 16


@dataclass(frozen=True)
class Rule:
    """A selection. Positions p with p % stride == 0 are the sampled rows of their group."""

    block: int = 128  # unit of sink and window
    step: int = 2  # blocks of a group, whose rows share a list
    sink: int = 1
    window: int = 1
    tail: int = 128
    stride: int = 16
    mean: float | None = None  # a key is a stripe when its mean probability over the sampled rows is at least this / group start
    floor: float | None = None  # the same with an absolute probability
    mass: float | None = None  # the smallest set of candidates that leaves out at most this mean probability
    rms: float | None = None  # the root of the mean squared probability, times the group start
    peak: float | None = None  # a key with so much probability in one sampled row is a stripe
    spread: int = 0  # stripes take so many neighbours on each side with them
    part: int = 1  # the softmax sums of candidates are estimated from every part-th key
    theta: float | None = None  # the published rule instead: pooled rows against pooled anchors
    exact: float | None = None  # an oracle: the candidates of largest mean probability over all rows, up to this mass
    guard_stride: int = 32
    guard_peak: float = 0.01
    guard_limit: float | None = 0.02  # None: no guard
    held_out: bool = True  # the guard judges rows by a choice that the other half of them made
    add: float | None = None  # instead of all candidates a failing group gets those with this much in some row of these, and neighbours
    add_spread: int = 0
    add_stride: int = 0  # 0: the sampled rows
    skip: float | None = None  # products with V are left out for tiles of stripes that lie so far below the anchors' maximum
    skip_rows: int = 16
    skip_keys: int = 16

    @property
    def group(self) -> int:
        return self.block * self.step


class Totals:
    def __init__(self):
        self.causal = self.computed = self.selection = self.guarded = self.units = self.skipped = 0.0

    def report(self) -> dict:
        share = lambda x: round(float(x) / self.causal, 5)
        return {
            "computed_ratio": share(self.computed), "selection_ratio": share(self.selection), "skipped_ratio": share(self.skipped),
            "guarded_ratio": round(float(self.guarded) / max(1.0, self.units), 5),
        }


class Explorer(TorchLlama):
    """TorchLlama whose prefill follows a rule; decoding (one row) stays dense."""

    rule: Rule | None = None

    def _dense(self, q, k, v, rows: int = 1024):
        if self.rule is None or q.shape[1] == 1:
            return super()._dense(q, k, v, rows)
        return sparse(q, k.repeat_interleave(len(q) // len(k), 0), v.repeat_interleave(len(q) // len(v), 0), self.rule, self.totals)


def sampled_probabilities(q, k, stride: int, rule: Rule, totals: Totals):
    """Probabilities of the sampled rows by group, [heads, groups, rows, n], zero where a group has fewer, and their number."""
    n, group = q.shape[1], rule.group
    at = torch.arange(0, n, stride, device=q.device)
    keys = torch.arange(n, device=q.device)
    scores = q[:, at] @ k.swapaxes(1, 2) * q.shape[-1] ** -0.5
    hidden = keys[None, :] > at[:, None]
    scores.masked_fill_(hidden, float("-inf"))
    sweeps = 2.0 if rule.part == 1 else 1 + 1 / rule.part
    totals.selection += 0.5 * sweeps * len(q) * float((~hidden).sum())
    if rule.part == 1:
        p = scores.softmax(-1)
    else:
        first = (at // group * group - rule.window * rule.block)[:, None]
        candidate = (keys[None, :] >= rule.sink * rule.block) & (keys[None, :] < first)
        weight = torch.where(candidate, (keys % rule.part == 0).float()[None, :] * rule.part, torch.ones((), device=q.device))
        top = scores.amax(-1, keepdim=True)
        e = (scores - top).exp()
        p = e / (e * weight).sum(-1, keepdim=True)
        p = p.clamp(max=1)
    groups = -(-n // group)
    room = group // stride
    whole = torch.zeros(len(q), groups * room, n, device=q.device)
    whole[:, : len(at)] = p
    count = torch.full((groups,), room, device=q.device)
    count[-1] = len(at) - (groups - 1) * room
    return whole.view(len(q), groups, room, n), count


def widen(kept, by: int):
    if by == 0:
        return kept
    return torch.nn.functional.max_pool1d(kept.float(), 2 * by + 1, 1, by) > 0


def choose(p, count, starts, rule: Rule):
    """Stripes by the probabilities of some rows, [heads, groups, n]; count rows a group."""
    mean = p.sum(2) / count.clamp(min=1)[None, :, None]
    kept = torch.zeros(mean.shape, dtype=torch.bool, device=p.device)
    if rule.mean is not None:
        kept |= mean >= rule.mean / starts.clamp(min=1)[None, :, None]
    if rule.floor is not None:
        kept |= mean >= rule.floor
    if rule.rms is not None:
        kept |= ((p * p).sum(2) / count.clamp(min=1)[None, :, None]).sqrt() >= rule.rms / starts.clamp(min=1)[None, :, None]
    if rule.peak is not None:
        kept |= p.amax(2) >= rule.peak
    return widen(kept, rule.spread), mean


def by_mass(mean, candidate, left_out: float):
    """The largest candidates, until those that remain hold at most left_out."""
    value = torch.where(candidate[None], mean, torch.zeros((), device=mean.device))
    ordered, index = value.sort(-1)
    small = ordered.cumsum(-1) <= left_out
    return torch.zeros_like(small).scatter(-1, index, ~small)


def pooled(q, k, rule: Rule, candidate, totals: Totals):
    """The published choice: [heads, groups, n]."""
    heads, n, _ = q.shape
    scale = q.shape[-1] ** -0.5
    keys = torch.arange(n, device=q.device)
    kept = torch.zeros(heads, len(candidate), n, dtype=torch.bool, device=q.device)
    for g in range(len(candidate)):
        start, end = g * rule.group, min((g + 1) * rule.group, n)
        if not bool(candidate[g].any()):
            continue
        anchor = (keys < rule.sink * rule.block) | (keys >= start - rule.window * rule.block)
        for first in range(start, end, rule.block):
            last = min(first + rule.block, end)
            scores = q[:, first:last] @ k[:, anchor].swapaxes(1, 2) * scale
            scores.masked_fill_(keys[anchor][None, :] > torch.arange(first, last, device=q.device)[:, None], float("-inf"))
            threshold = scores.amax(-1).mean(-1) - rule.theta
            kept[:, g] |= (q[:, first:last].mean(1, keepdim=True) @ k.swapaxes(1, 2) * scale)[:, 0] >= threshold[:, None]
        totals.selection += 0.5 * heads * rule.step * float(candidate[g].sum())
    return kept


def exact_mean(q, k, group: int):
    """Mean probability of each key over all rows of a group: [heads, groups, n]."""
    n = q.shape[1]
    means = []
    for start in range(0, n, group):
        end = min(start + group, n)
        scores = q[:, start:end] @ k.swapaxes(1, 2) * q.shape[-1] ** -0.5
        scores.masked_fill_(torch.arange(n, device=q.device)[None, :] > torch.arange(start, end, device=q.device)[:, None], float("-inf"))
        means.append(scores.softmax(-1).mean(1))
    return torch.stack(means, 1)


def stripes(q, k, rule: Rule, totals: Totals):
    """What a rule keeps among the candidates: [heads, groups, n], and who the candidates are: [groups, n]."""
    n = q.shape[1]
    groups = -(-n // rule.group)
    starts = torch.arange(groups, device=q.device) * rule.group
    keys = torch.arange(n, device=q.device)
    candidate = (keys[None, :] >= rule.sink * rule.block) & (keys[None, :] < (starts - rule.window * rule.block)[:, None])
    if rule.exact is not None:
        return by_mass(exact_mean(q, k, rule.group), candidate, 1 - rule.exact) & candidate[None], candidate
    p = None
    if rule.theta is not None:
        kept = pooled(q, k, rule, candidate, totals)
    else:
        p, count = sampled_probabilities(q, k, rule.stride, rule, totals)
        kept, mean = choose(p, count, starts, rule)
        if rule.mass is not None:
            kept |= by_mass(mean, candidate, rule.mass)
    kept &= candidate[None]
    if rule.guard_limit is None:
        return kept, candidate
    if p is None:
        p, count = sampled_probabilities(q, k, rule.guard_stride, rule, totals)
    peaks = torch.where((p >= rule.guard_peak) & candidate[None, :, None], p, torch.zeros((), device=q.device))
    if rule.theta is None and rule.held_out:
        missed = torch.zeros(kept.shape[:2], device=q.device)
        for half in (0, 1):
            number = (count + 1 - half) // 2
            chosen, mean = choose(p[:, :, half::2], number, starts, rule)
            if rule.mass is not None:
                chosen |= by_mass(mean, candidate, rule.mass)
            missed += torch.where(chosen, torch.zeros((), device=q.device), peaks[:, :, 1 - half :: 2].sum(2)).sum(-1)
    else:
        missed = torch.where(kept, torch.zeros((), device=q.device), peaks.sum(2)).sum(-1)
    fails = missed / count.clamp(min=1)[None] > rule.guard_limit
    totals.guarded += float(fails.sum())
    totals.units += len(q) * float(candidate.any(-1).sum())
    if rule.add is None:
        return torch.where(fails[:, :, None], candidate[None], kept), candidate
    if rule.add_stride:
        p, _ = sampled_probabilities(q, k, rule.add_stride, rule, Totals())
        rows = rule.group // rule.add_stride
        totals.selection += 0.5 * (2.0 if rule.part == 1 else 1 + 1 / rule.part) * rows * float((fails.float() * (starts + rule.group / 2)[None]).sum())
    more = widen(p.amax(2) >= rule.add, rule.add_spread) & candidate[None]
    return torch.where(fails[:, :, None], kept | more, kept), candidate


def without_low_tiles(scores, stripe, top, rule: Rule):
    """Which of the listed keys of one group's rows have a tile that is not far below; [rows, n] of bool."""
    listed = stripe.nonzero()[:, 0]
    if len(listed) == 0:
        return torch.ones_like(scores, dtype=torch.bool)
    rows, room = len(scores), -(-len(listed) // rule.skip_keys) * rule.skip_keys
    high = torch.zeros(-(-rows // rule.skip_rows) * rule.skip_rows, room, dtype=torch.bool, device=scores.device)
    high[:rows, : len(listed)] = scores[:, listed] >= top[:, None] - rule.skip
    tiles = high.view(-1, rule.skip_rows, room // rule.skip_keys, rule.skip_keys).any(3).any(1)
    kept = tiles.repeat_interleave(rule.skip_rows, 0).repeat_interleave(rule.skip_keys, 1)[:rows, : len(listed)]
    out = torch.ones_like(scores, dtype=torch.bool)
    out[:, listed] = kept
    return out


def sparse(q, k, v, rule: Rule, totals: Totals):
    heads, n, dim = q.shape
    kept, candidate = stripes(q, k, rule, totals)
    keys = torch.arange(n, device=q.device)
    totals.causal += heads * n * (n + 1) / 2
    out = torch.empty_like(q)
    for g in range(len(candidate)):
        start, end = g * rule.group, min((g + 1) * rule.group, n)
        at = torch.arange(start, end, device=q.device)
        scores = q[:, start:end] @ k[:, :end].swapaxes(1, 2) * dim**-0.5
        causal = keys[None, :end] <= at[:, None]
        anchor = ~candidate[g, :end]
        dense_row = at >= n - rule.tail
        allowed = causal[None] & (anchor[None, None] | kept[:, g, None, :end] | dense_row[None, :, None])
        totals.computed += float(allowed.sum())
        if rule.skip is not None and bool(candidate[g].any()):
            top = scores.masked_fill(~(causal & anchor[None])[None], float("-inf")).amax(-1)
            near = torch.stack([without_low_tiles(scores[h], kept[h, g, :end], top[h], rule) for h in range(heads)]) | dense_row[None, :, None]
            totals.skipped += float((allowed & ~near).sum())
            allowed &= near
        out[:, start:end] = scores.masked_fill_(~allowed, float("-inf")).softmax(-1) @ v[:, :end]
    return out


def run(model: Explorer, name: str, rule: Rule | None, prompt: dict, stop: int, words: list[str]) -> dict:
    model.rule, model.totals, model.cached = rule, Totals(), 0
    began = time.monotonic()
    hidden = model.forward(prompt["tokens"])
    record = {"rule": name, "id": prompt["id"], "kind": prompt["kind"], "positions": len(prompt["tokens"])}
    if prompt["kind"] == "text":
        losses = model.losses(hidden, prompt["tokens"])
        record |= {"perplexity": round(float(np.exp(losses.mean())), 5), "digest": prompt["digest"]}
    else:
        answer = plain_text([words[t] for t in model.generate(hidden, ANSWER_TOKENS, stop)])
        record |= {"answer": answer, "found": prompt["answer"] in answer}
    if rule is not None:
        record |= model.totals.report()
    return record | {"seconds": round(time.monotonic() - began, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--rules", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ids", default="book,go", help="texts, or needles by prefix")
    parser.add_argument("--length", type=int, default=0, help="only so many first tokens of texts")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long; another run goes on")
    args = parser.parse_args()
    until = time.monotonic() + args.seconds
    reader = open_gguf(args.model)
    config = read_config(reader)
    check_expected(config)
    asked = json.loads(args.prompts.read_text())
    rules = {name: None if fields is None else Rule(**fields) for name, fields in json.loads(args.rules.read_text()).items()}
    known = set()
    if args.out.exists():
        known = {(r["rule"], r["id"]) for r in map(json.loads, args.out.read_text().splitlines())}
    model = Explorer(config, read_weights(reader, config))
    words = field(reader, "tokenizer.ggml.tokens")
    wanted = args.ids.split(",")
    with open(args.out, "a") as out:
        for name, rule in rules.items():
            for prompt in asked["prompts"]:
                if not any(prompt["id"].startswith(w) for w in wanted) or (name, prompt["id"]) in known:
                    continue
                if time.monotonic() > until:
                    raise SystemExit("out of time: run it again to go on")
                if args.length and prompt["kind"] == "text":
                    prompt = prompt | {"tokens": prompt["tokens"][: args.length]}
                record = run(model, name, rule, prompt, asked["stop"], words)
                out.write(json.dumps(record) + "\n")
                out.flush()
                print(json.dumps({k: v for k, v in record.items() if k != "digest"}), flush=True)


if __name__ == "__main__":
    main()
