"""Writes computed_ratio, stripe_ratio and recall_mass of every captured layer, head, theta and step as CSV."""

import argparse
import csv
import io
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from anchor_measures import HeadScores, Shape
from tensor_file import write_whole

# -inf keeps the anchor only: what sink and window hold without any stripe.
THETAS = [-np.inf, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0]
STEPS = [16, 4]
COLUMNS = ["layer", "head", "theta", "step", "computed_ratio", "stripe_ratio", "recall_mass"]


def measure_layer(layer: int, q: np.ndarray, k: np.ndarray, thetas, steps):
    shapes = [Shape(step=step) for step in steps]
    share = q.shape[0] // k.shape[0]
    for head in range(q.shape[0]):
        scores = HeadScores(q[head].astype(np.float32), k[head // share].astype(np.float32), shapes)
        for shape in shapes:
            for theta, m in zip(thetas, scores.measure(shape, thetas)):
                ratios = (m.computed_ratio, m.stripe_ratio, m.recall_mass)
                yield [layer, head, f"{theta:g}", shape.step] + [f"{x:.6f}" for x in ratios]


def numbers(kind):
    """Parser of a comma-separated list."""
    return lambda text: [kind(part) for part in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--capture", type=Path, required=True, help="folder that capture.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="CSV file")
    parser.add_argument("--thetas", type=numbers(float), default=THETAS, help="as 4,6,8; inf and -inf too")
    parser.add_argument("--steps", type=numbers(int), default=STEPS, help="blocks in a group, as 4,16")
    args = parser.parse_args()

    files = sorted(args.capture.glob("layer-*.safetensors"))
    if not files:
        raise SystemExit(f"{args.capture}: no layer-*.safetensors: run capture.py first")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for file in files:
        tensors = load_file(file)
        layer = int(file.stem.removeprefix("layer-"))
        writer.writerows(measure_layer(layer, tensors["q"], tensors["k"], args.thetas, args.steps))
        print(file.name, flush=True)
    write_whole(args.out, text.getvalue().encode())


if __name__ == "__main__":
    main()
