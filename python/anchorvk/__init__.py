"""Sparse prefill attention (AnchorAttention) and dense causal attention on Vulkan devices.

    import numpy as np
    import anchorvk

    with anchorvk.Device() as device, anchorvk.Engine(device) as engine:
        result = engine.attention(q, k, v)  # float16 [heads, positions, head_dim]
        print(result.o, result.stats.computed_ratio)

For many calls of one shape make a plan and bind it to its arrays once::

    plan = engine.plan(heads=32, kv_heads=8, q_len=4096, kv_len=4096, head_dim=128)
    with engine.call(plan, q, k, v, out) as call:
        stats = call.run()

Everything may be called from any thread; the interpreter's lock is released while
the device works.
"""

from ._arrays import Result
from ._call import Call
from ._device import Buffer, Device, devices
from ._engine import Engine
from ._library import Error
from ._plan import Plan, Stats
from ._profile import Profile
from ._version import __version__

__all__ = ["Buffer", "Call", "Device", "Engine", "Error", "Plan", "Profile", "Result", "Stats", "__version__", "devices"]
