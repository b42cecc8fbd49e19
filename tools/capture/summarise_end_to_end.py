"""Prints the table of docs/quality.md from the results of end_to_end.py.

    python summarise_end_to_end.py testdata/smollm2-end-to-end.jsonl
"""

import json
import sys
from collections import defaultdict
from pathlib import Path


def mean(records: list[dict], key: str) -> float:
    return sum(r.get(key, 0) for r in records) / len(records)


def main() -> None:
    by_setting: dict[str, list[dict]] = defaultdict(list)
    for line in Path(sys.argv[1]).read_text().splitlines():
        record = json.loads(line)
        by_setting[record["setting"]].append(record)
    dense = {r["id"]: r for r in by_setting["dense"]}
    texts = [r["id"] for r in by_setting["dense"] if r["kind"] == "text"]
    found = {r["id"] for r in by_setting["dense"] if r.get("found")}
    print(f"| setting | {' | '.join(texts)} | computed + selection | guarded | needles of {len(found)} |")
    print("|---" * (len(texts) + 4) + "|")
    for setting, records in by_setting.items():
        known = {r["id"]: r for r in records}
        loss = [100 * (known[t]["perplexity"] / dense[t]["perplexity"] - 1) for t in texts]
        run = [known[t] for t in texts]
        needles = [i for i in found if i in known]
        hits = str(sum(known[i]["found"] for i in needles)) if needles else "not run"
        share = "" if setting == "float32" else f"{mean(run, 'computed_ratio'):.3f} + {mean(run, 'selection_ratio'):.3f}"
        print(f"| {setting} | {' | '.join(f'{x:+.2f}' for x in loss)} | {share} | {100 * mean(run, 'guarded_ratio'):.1f} % | {hits} |")


if __name__ == "__main__":
    main()
