"""The library's texts in the words of this package."""

from __future__ import annotations

import re

FUNCTIONS = {
    "avk_plan_create": "Engine.plan",
    "avk_buffer_create": "Device.buffer",
    "avk_call_run": "Call.run",
    "avk_call_start": "Call.start",
    "avk_call_wait": "Call.wait",
    "avk_call_pace": "Call.pace",
    "avk_call_create": "Engine.call",
    "avk_plan_info": "the plan",
    "avk_device_options": "Device",
    "AVK_LAYOUT_BHSD": 'layout="bhsd"',
    "AVK_LAYOUT_BSHD": 'layout="bshd"',
    "AVK_MODE_ANCHOR": 'mode="anchor"',
    "AVK_MODE_DENSE": 'mode="dense"',
    "NULL": "None",
}

_field = re.compile(r"\bavk_[a-z_]+\.([a-z_]+)(?:->([a-z_]+))?(\[\d\])?")
_name = re.compile(r"\b(?:avk|AVK)_\w+|\bNULL\b")


def in_python(text: str) -> str:
    """Arguments for fields of structs, methods for functions."""
    text = text.removeprefix("anchorvk: ")
    text = _field.sub(lambda m: m[1] + (f".{m[2]}" if m[2] else "") + (m[3] or ""), text)
    return _name.sub(lambda m: FUNCTIONS.get(m[0], m[0]), text)
