"""Prints the tables of docs/quality.md from the results of end_to_end.py.

    python summarise_end_to_end.py testdata/smollm2-end-to-end.jsonl

One table, or one for each length where the texts have several; needles are then those of that length.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path


def mean(records: list[dict], key: str) -> float:
    return sum(r.get(key, 0) for r in records) / len(records)


def cells(known: dict[str, dict], dense: dict[str, dict], texts: list[str], found: list[str]) -> list[str]:
    """Loss of each text in percent, share, guarded share and needles of one setting; "not run" where it has no result."""
    loss = [f"{100 * (known[t]['perplexity'] / dense[t]['perplexity'] - 1):+.2f}" if t in known else "not run" for t in texts]
    run = [known[t] for t in texts if t in known]
    needles = [i for i in found if i in known]
    hits = "not run"
    if needles:
        hits = str(sum(known[i]["found"] for i in needles)) + (f" of {len(needles)} run" if len(needles) < len(found) else "")
    share, guarded = "", ""
    if run:
        guarded = f"{100 * mean(run, 'guarded_ratio'):.1f} %"
        if any("computed_ratio" in r for r in run):
            share = f"{mean(run, 'computed_ratio'):.3f} + {mean(run, 'selection_ratio'):.3f}"
    return [*loss, share, guarded, hits]


def tables(records: list[dict]) -> list[str]:
    by_setting: dict[str, dict[str, dict]] = defaultdict(dict)
    for record in records:
        by_setting[record["setting"]][record["id"]] = record
    if "dense" not in by_setting:
        raise SystemExit("no results of the setting dense, which the others are compared with: run end_to_end.py --settings dense")
    dense = by_setting["dense"]
    lengths = sorted({r["positions"] for r in dense.values() if r["kind"] == "text"})
    lines = []
    for length in lengths:
        texts = [i for i, r in dense.items() if r["kind"] == "text" and r["positions"] == length]
        found = [i for i, r in dense.items() if r.get("found") and (len(lengths) == 1 or r["positions"] == length)]
        if len(lengths) > 1:
            beyond = ", beyond the model's context" if dense[texts[0]].get("extrapolated") else ""
            lines.append(f"{length} positions{beyond}; dense: " + ", ".join(f"{t} {dense[t]['perplexity']:.2f}" for t in texts))
        lines.append(f"| setting | {' | '.join(texts)} | computed + selection | guarded | needles of {len(found)} |")
        lines.append("|---" * (len(texts) + 4) + "|")
        for setting, known in by_setting.items():
            lines.append(f"| {' | '.join([setting, *cells(known, dense, texts, found)])} |")
    return lines


def main() -> None:
    print("\n".join(tables([json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()])))


if __name__ == "__main__":
    main()
