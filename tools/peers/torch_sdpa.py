#!/usr/bin/env python3
"""Times PyTorch's causal attention on a CUDA GPU, with its flash and cuDNN backends.

    tools/peers/torch_sdpa.py [--heads 32] [--kv-heads 8] [--head-dim 128] [--reps 5] LENGTH...

K and V are repeated for the query heads beforehand, outside of the times. One line for each length and backend: the
median of the GPU's times after two runs that do not count, and causal Tflop/s as `anchorvk bench` counts them. Each
backend is first compared with float64 on its last row. Needs torch; stands beside
`anchorvk bench --heads 32 --kv-heads 8 --head-dim 128 --modes dense,anchor --seq LENGTH,...` on the same GPU.
"""
import argparse
import statistics
import sys

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

BACKENDS = {"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION}


def check(q, k, v, out):
    """Compares the last row with float64."""
    q, k, v = q[:, :, -1:].double(), k.double(), v.double()
    weights = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1)
    want, got = weights @ v, out[:, :, -1:].double()
    nmse = float((got - want).square().sum() / want.square().sum())
    if not nmse <= 5e-4:
        sys.exit(f"wrong output: NMSE {nmse:.2g}")


def measure(backend, args, length):
    def tensor(heads):
        return torch.randn(1, heads, length, args.head_dim, device="cuda", dtype=torch.float16)

    q = tensor(args.heads)
    k, v = (tensor(args.kv_heads).repeat_interleave(args.heads // args.kv_heads, 1) for _ in range(2))
    times = []
    with sdpa_kernel(BACKENDS[backend]):
        for run in range(args.reps + 2):
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            end.record()
            torch.cuda.synchronize()
            if run == 0:
                check(q[:, :1], k[:, :1], v[:, :1], out[:, :1])
            if run > 1:
                times.append(start.elapsed_time(end))
    ms = statistics.median(times)
    flops = 4 * length * (length + 1) / 2 * args.head_dim * args.heads
    print(f"{backend} {length}: {ms:.2f} ms, {flops / ms / 1e9:.0f} Tflop/s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lengths", type=int, nargs="+")
    parser.add_argument("--heads", type=int, default=32)
    parser.add_argument("--kv-heads", type=int, default=8)
    parser.add_argument("--head-dim", type=int, default=128)
    parser.add_argument("--reps", type=int, default=5)
    args = parser.parse_args()
    for length in args.lengths:
        for backend in BACKENDS:
            measure(backend, args, length)


if __name__ == "__main__":
    main()
