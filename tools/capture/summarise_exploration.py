"""Prints the table "what was tried" of docs/quality.md from the results of explore_selection.py.

    python summarise_exploration.py docs/results/explored-selections.jsonl
"""

import json
import sys
from pathlib import Path


def main() -> None:
    by_rule: dict[str, dict[str, dict]] = {}
    for line in Path(sys.argv[1]).read_text().splitlines():
        record = json.loads(line)
        by_rule.setdefault(record["rule"], {})[record["id"]] = record
    dense = by_rule.pop("dense")
    texts = list(dense)
    print(f"| selection | {' | '.join(f'{t}, %' for t in texts)} | {' | '.join(f'share, {t}' for t in texts)} | guarded |")
    print("|---" * (2 * len(texts) + 2) + "|")
    for rule, known in by_rule.items():
        loss = [f"{100 * (known[t]['perplexity'] / dense[t]['perplexity'] - 1):+.2f}" for t in texts]
        share = [f"{known[t]['computed_ratio'] + known[t]['selection_ratio'] - known[t]['skipped_ratio']:.3f}" for t in texts]
        guarded = sum(known[t]["guarded_ratio"] for t in texts) / len(texts)
        print(f"| {rule} | {' | '.join(loss)} | {' | '.join(share)} | {100 * guarded:.1f} % |")


if __name__ == "__main__":
    main()
