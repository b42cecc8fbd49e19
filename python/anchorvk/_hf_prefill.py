"""Prefill of a transformers model by anchorvk."""

from __future__ import annotations

import collections
from typing import Any, Mapping, Optional

from . import _check as check
from ._engine import FROM_ARRAYS, Engine
from ._hf_calls import framework, layer_of, register, why_not_plain
from ._plan import ARGUMENTS

import torch  # after _hf_calls, whose error says what to install

MOST_HEAD_DIM = 256


class Prefill:
    """An attention function of transformers that computes prefill with anchorvk.

        prefill = anchorvk.hf.Prefill(engine, preset="safe")
        prefill.register("anchorvk")
        model = AutoModelForCausalLM.from_pretrained(..., attn_implementation="anchorvk")

    Calls that are no plain causal attention (a window, a padded batch, any other mask, a single
    row as in decoding, fewer rows than min_rows), values beyond float16 and calls that need
    gradients go to the framework's sdpa. computed and left count the calls: left has the
    reasons. Soft-capping and sinks raise ValueError, because sdpa would not compute them.

    problem goes to Engine.attention, as preset, theta or tail; layers may have more for
    single layers, from 0, such as {17: {"head_modes": ["dense", None, None]}}.

    Queries, keys and values travel as float16 through host memory, and the result comes back
    in the type of the queries. Not for torch.compile, nor for threads at a time.
    """

    def __init__(self, engine: Engine, *, min_rows: int = 64, layers: Optional[Mapping[int, Mapping[str, Any]]] = None, **problem: Any) -> None:
        known = [name for name in ARGUMENTS if name not in (*FROM_ARRAYS, "scale")]
        self._layers = {} if layers is None else {check.integer("layers", layer, 0, check.MAX_INT32): dict(more) for layer, more in layers.items()}
        for more in (problem, *self._layers.values()):
            check.keywords("Prefill()", more, known)
        self._engine, self._problem = engine, problem
        self._min_rows = check.integer("min_rows", min_rows, 1, check.MAX_INT32)
        self.computed = 0
        self.left: collections.Counter[str] = collections.Counter()

    def register(self, name: str = "anchorvk") -> None:
        """Makes attn_implementation=name, or model.set_attn_implementation(name), use this object."""
        register(name, self)

    def __call__(self, module: Any, query: Any, key: Any, value: Any, mask: Any, scaling: Optional[float] = None, **more: Any) -> tuple[Any, None]:
        """query [batch, heads, rows, head_dim] after RoPE; the result is [batch, rows, heads, head_dim]."""
        reason = self._why_not(module, query, key, value, mask, more)
        arrays = None if reason else [_half(t) for t in (query, key, value)]
        if arrays is not None and any(a is None for a in arrays):
            reason = "values beyond float16"
        if reason:
            self.left[reason] += 1
            return framework(module, query, key, value, mask, scaling=scaling, **more)
        layer = layer_of(module)
        problem = {**self._problem, **self._layers.get(-1 if layer is None else layer, {})}
        if scaling is not None:
            problem["scale"] = float(scaling)
        result = self._engine.attention(*arrays, layout="bshd", **problem)  # type: ignore[misc]
        self.computed += 1
        return torch.from_numpy(result.o).to(query.device, query.dtype), None

    def _why_not(self, module: Any, query: Any, key: Any, value: Any, mask: Any, more: Mapping[str, Any]) -> Optional[str]:
        if query.shape[2] < self._min_rows:
            return f"fewer than {self._min_rows} rows"
        dim = query.shape[3]
        if dim % 8 or dim > MOST_HEAD_DIM or key.shape[3] != dim or value.shape[3] != dim:
            return f"head_dim {dim}, {key.shape[3]} and {value.shape[3]}"
        if torch.is_grad_enabled() and (query.requires_grad or key.requires_grad or value.requires_grad):
            return "gradients"
        return why_not_plain(module, query, key, value, mask, more)


def _half(tensor: Any) -> Any:
    """A float16 array [batch, positions, heads, head_dim]; None if finite values become infinite."""
    half = tensor.detach().to(torch.float16)
    if not torch.equal(half.isinf(), tensor.isinf()):
        return None
    return half.cpu().transpose(1, 2).contiguous().numpy()
