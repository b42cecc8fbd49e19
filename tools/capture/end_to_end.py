"""A whole model prefilled with anchorvk's attention: perplexity of long texts, and needles that it finds.

    python end_to_end.py --model MODEL.gguf --prompts prompts.json --out results.jsonl [--settings NAME,...]

One line of results for each setting and prompt, appended as it is known; what the file has
already is not run again. The model is SmolLM2-135M or Gemma 3 270M, of whose layers those that see all positions
get anchorvk's attention. Needs PyTorch, gguf and anchorvk.
"""

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import anchorvk
import numpy as np

from gemma_model import read_gemma_config
from gguf_model import check_expected, field, open_gguf, plain_text, read_config, read_weights
from torch_gemma import TorchGemma
from torch_llama import TorchLlama
from torch_model import TorchModel

PAPER = dict(preset="paper")
STEP4 = dict(preset="paper", theta=10, step=4)
POOLED = dict(preset="paper", theta=10, step=2, tail=128, guard=(32, 0.01, 0.02))
SAFE = dict(preset="safe")
LEAN = dict(preset="lean")
# name: parameters of a call; rows of a call, or None for all; rows of the tail in a call that is not the last.
SETTINGS = {
    "float32": (None, None, 0),
    "dense": (dict(mode="dense"), None, 0),
    "paper": (PAPER, None, 0),
    "paper+tail": (dict(PAPER, tail=128), None, 0),
    "step4": (STEP4, None, 0),
    "step4+tail": (dict(STEP4, tail=128), None, 0),
    "pooled": (POOLED, None, 0),
    "pooled-tail": (dict(POOLED, tail=0), None, 0),
    "pooled-guard": (dict(POOLED, guard=None), None, 0),
    "pooled/512": (POOLED, 512, 0),
    "pooled/512+32": (dict(POOLED, tail=32), 512, 32),
    "pooled/2048+32": (dict(POOLED, tail=32), 2048, 32),
    "pooled32": (dict(POOLED, tail=32), None, 0),
    "safe": (SAFE, None, 0),
    "lean": (LEAN, None, 0),
    "weight0.1": (dict(LEAN, weight=0.1), None, 0),
    "weight0.3": (dict(LEAN, weight=0.3), None, 0),
    "weight0.5": (dict(LEAN, weight=0.5), None, 0),
    "safe-tail": (dict(SAFE, tail=0), None, 0),
    "safe-guard": (dict(SAFE, guard=None), None, 0),
    "safe-look": (dict(SAFE, guard=(16, 0.01, 0.02, 0)), None, 0),
    "safe-look4": (dict(SAFE, guard=(16, 0.01, 0.02, 4)), None, 0),
    "safe/512": (SAFE, 512, 0),
    "safe/512+32": (dict(SAFE, tail=32), 512, 32),
    "safe/2048+32": (dict(SAFE, tail=32), 2048, 32),
    "lean/512+32": (LEAN, 512, 32),
}
ANSWER_TOKENS = 16


class Attention:
    """attention(layer, q, k, v) of a TorchModel by anchorvk, in calls of so many rows, with what the calls computed."""

    def __init__(self, engine, setting: str):
        self.engine = engine
        self.params, self.rows, self.other_tail = SETTINGS[setting]
        self.sums = dict(computed_ratio=0.0, selection_ratio=0.0, guarded_ratio=0.0, missed_mass=0.0)
        self.causal, self.ms = 0.0, 0.0

    def __call__(self, layer: int, q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
        n = q.shape[1]
        out = np.empty_like(q)
        rows = self.rows or n
        for first in range(0, n, rows):
            last = min(first + rows, n)
            params = dict(self.params)
            if last < n:
                params["tail"] = self.other_tail
            result = self.engine.attention(np.ascontiguousarray(q[None, :, first:last]), k[None, :, :last], v[None, :, :last], no_fallback=params.get("mode") != "dense", **params)
            out[:, first:last] = result.o[0]
            pairs = (last * (last + 1) - first * (first + 1)) / 2
            self.causal += pairs
            self.ms += result.stats.total_ms
            for name in self.sums:
                self.sums[name] += pairs * getattr(result.stats, name)
        return out

    def report(self) -> dict:
        return {name: round(total / self.causal, 5) for name, total in self.sums.items()} | {"attention_ms": round(self.ms, 2)}


def load_model(path: Path, prompts: dict) -> tuple[TorchModel, list[str]]:
    """The model with room for the longest prompt and its answer, and its vocabulary."""
    reader = open_gguf(path)
    architecture, wanted = field(reader, "general.architecture"), prompts.get("architecture", "llama")
    if architecture != wanted:
        raise SystemExit(f"{path}: architecture {architecture!r}, and the prompts are for {wanted!r}: they have other tokens")
    if architecture == "gemma3":
        config, kind, rope_rows = read_gemma_config(reader), TorchGemma, "as-stored"
    else:
        config, kind, rope_rows = read_config(reader), TorchLlama, "unpermuted"
        check_expected(config)
    for prompt in prompts["prompts"]:
        if len(prompt["tokens"]) + ANSWER_TOKENS > config.context and not prompt.get("extrapolated"):
            raise SystemExit(f"prompt {prompt['id']}: {len(prompt['tokens'])} tokens and an answer exceed the context of {config.context}")
    room = max(len(prompt["tokens"]) for prompt in prompts["prompts"]) + ANSWER_TOKENS
    weights = read_weights(reader, config, rope_rows)
    return kind(replace(config, context=room), weights), field(reader, "tokenizer.ggml.tokens")


def run(model: TorchModel, engine, setting: str, prompt: dict, stop: int, words: list[str]) -> dict:
    attend = None if SETTINGS[setting][0] is None else Attention(engine, setting)
    own = model.config
    record = {"model": own.name, "setting": setting, "id": prompt["id"], "kind": prompt["kind"], "positions": len(prompt["tokens"])}
    if prompt.get("extrapolated"):
        model.config = replace(own, rope_base=prompt["rope_base"])
        record |= {"extrapolated": True, "rope_base": prompt["rope_base"]}
    model.cached = 0
    began = time.monotonic()
    hidden = model.forward(prompt["tokens"], attend)
    if prompt["kind"] == "text":
        loss = float(model.losses(hidden, prompt["tokens"]).mean())
        record |= {"loss": round(loss, 6), "perplexity": round(float(np.exp(loss)), 5), "digest": prompt["digest"], "seen": prompt["seen"]}
    else:
        answer = plain_text([words[t] for t in model.generate(hidden, ANSWER_TOKENS, stop)])
        record |= {"answer": answer, "found": prompt["answer"] in answer}
    model.config = own
    if attend is not None:
        record |= attend.report()
    return record | {"seconds": round(time.monotonic() - began, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--settings", default=",".join(SETTINGS))
    parser.add_argument("--kinds", default="text,needle")
    parser.add_argument("--ids", help="only these prompts, with commas between them")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=JSON", help='one more setting, as \'weight0.1={"preset":"lean","weight":0.1}\'; may be repeated')
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long; another run goes on")
    args = parser.parse_args()
    until = time.monotonic() + args.seconds
    for text in args.setting:
        name, _, parameters = text.partition("=")
        SETTINGS[name] = (json.loads(parameters), None, 0)
        args.settings += "," + name
    unknown = set(args.settings.split(",")) - set(SETTINGS)
    if unknown:
        raise SystemExit(f"no setting {', '.join(sorted(unknown))}: there are {', '.join(SETTINGS)}")
    asked = json.loads(args.prompts.read_text())
    known = set()
    if args.out.exists():
        known = {(r["setting"], r["id"]) for r in map(json.loads, args.out.read_text().splitlines())}
    model, words = load_model(args.model, asked)
    with anchorvk.Device() as device, anchorvk.Engine(device) as engine, open(args.out, "a") as out:
        for setting in args.settings.split(","):
            for prompt in asked["prompts"]:
                if prompt["kind"] not in args.kinds.split(",") or args.ids and prompt["id"] not in args.ids.split(",") or (setting, prompt["id"]) in known:
                    continue
                if time.monotonic() > until:
                    raise SystemExit("out of time: run it again to go on")
                known.add((setting, prompt["id"]))
                record = run(model, engine, setting, prompt, asked["stop"], words)
                out.write(json.dumps(record) + "\n")
                out.flush()
                os.fsync(out.fileno())
                print(record, flush=True)


if __name__ == "__main__":
    main()
