"""What a call of attention in transformers asks for, and whether it is plain causal attention.

Attention functions get [batch, heads, positions, head_dim] after RoPE, keys and values of
the KV heads alone, and a mask that is None where the framework means causal attention.
"""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional

try:
    import torch
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask
except ImportError as e:
    raise ImportError(f"anchorvk.hf needs torch and a transformers with AttentionInterface and AttentionMaskInterface: {e}. Install them with pip install torch transformers") from e

# What changes the result and is neither in anchorvk nor seen below; sdpa has position_bias alone.
EXTRAS = {"softcap": "soft-capping of scores", "s_aux": "sinks", "sinks": "sinks", "position_bias": "a bias of positions", "alibi": "a bias of positions"}
IGNORED_BY_SDPA = ("softcap", "s_aux", "sinks", "alibi")


def register(name: str, function: Callable[..., Any]) -> None:
    """Makes attn_implementation=name call the function.

    With sdpa's masks: without any of that name, transformers would pass None for padded batches too.
    """
    AttentionInterface.register(name, function)
    AttentionMaskInterface.register(name, sdpa_mask)


def framework(module: Any, query: Any, key: Any, value: Any, mask: Any, **more: Any) -> tuple[Any, None]:
    """The framework's own attention, which must not be asked for what it leaves out in silence."""
    for name in IGNORED_BY_SDPA:
        if more.get(name) is not None:
            raise ValueError(f"layer {layer_of(module)} has {EXTRAS[name]}, which neither anchorvk nor sdpa computes; load the model with attn_implementation=\"eager\"")
    return sdpa_attention_forward(module, query, key, value, mask, **more)


def layer_of(module: Any) -> Optional[int]:
    layer = getattr(module, "layer_idx", None)
    return layer if isinstance(layer, int) else None


def why_not_plain(module: Any, query: Any, key: Any, value: Any, mask: Any, more: Mapping[str, Any]) -> Optional[str]:
    """Why a call is not causal attention of the last positions over all keys; None if it is."""
    rows, keys = query.shape[2], key.shape[2]
    causal = more.get("is_causal")
    if not (getattr(module, "is_causal", True) if causal is None else causal):
        return "attention that is not causal"
    for name, what in EXTRAS.items():
        if more.get(name) is not None:
            return what
    if more.get("dropout"):
        return "dropout"
    window = more.get("sliding_window")
    if window is not None and window < keys:
        return f"a sliding window of {window} positions"
    if rows > keys or key.shape[:3] != value.shape[:3] or query.shape[1] % key.shape[1]:
        return "queries, keys and values of other shapes"
    if mask is None:
        # Without a mask sdpa aligns rows and keys at their starts, and does not mask a single row at all.
        return None if rows == keys else "a single row" if rows == 1 else "keys beyond the rows"
    return None if _is_causal(mask, rows, keys) else "a mask"


def _is_causal(mask: Any, rows: int, keys: int) -> bool:
    """Whether a mask lets every row see the keys up to its own, the rows being the last positions."""
    if mask.ndim != 4 or tuple(mask.shape[2:]) != (rows, keys):
        return False
    if mask.dtype != torch.bool:  # what is added to the scores
        if ((mask != 0) & (mask > torch.finfo(mask.dtype).min / 2)).any():
            return False
        mask = mask == 0
    want = torch.ones(rows, keys, dtype=torch.bool, device=mask.device).tril(keys - rows)
    return bool((mask == want).all())
