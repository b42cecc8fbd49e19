"""overhead.c in Python: what a call costs, in microseconds."""

import statistics
import time

import anchorvk

WARMUP, RUNS = 200, 2000

with anchorvk.Device() as device, anchorvk.Engine(device) as engine:
    plan = engine.plan(heads=1, kv_heads=1, q_len=16, kv_len=16, head_dim=8, mode="dense")
    call = engine.call(plan, *(device.buffer(16 * 8 * 2) for _ in range(4)))
    wall, outside = [], []
    for i in range(WARMUP + RUNS):
        start = time.perf_counter()
        stats = call.run()
        took = 1e6 * (time.perf_counter() - start)
        if i >= WARMUP:
            wall.append(took)
            outside.append(took - 1e3 * stats.host_ms)
    print(f"wall {statistics.median(wall):.2f} outside {statistics.median(outside):.2f}")
    call.close()
