"""Prints the median, smallest and largest value over all heads of measure_theta.py's CSV, per theta and step, as Markdown."""

import argparse
import csv
import statistics
from pathlib import Path

RATIOS = ["computed_ratio", "stripe_ratio", "recall_mass"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    args = parser.parse_args()
    with open(args.csv, newline="") as file:
        rows = list(csv.DictReader(file))
    print("| step | theta | " + " | ".join(RATIOS) + " |")
    print("|---|---|---|---|---|")
    for step in dict.fromkeys(row["step"] for row in rows):
        for theta in dict.fromkeys(row["theta"] for row in rows):
            cells = []
            for ratio in RATIOS:
                values = [float(r[ratio]) for r in rows if (r["step"], r["theta"]) == (step, theta)]
                cells.append(f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})")
            print(f"| {step} | {theta} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
