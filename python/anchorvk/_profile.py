"""Profiles: what suits the heads of a model."""

from __future__ import annotations

import collections.abc
import ctypes
import json
import os
from typing import Any, Mapping, Union

import numpy as np

from . import _check as check
from ._library import Head, PlanInfo, library
from ._object import Object


def _of_numpy(value: Any) -> Any:
    """Numbers of numpy, which json knows nothing of, as Python's."""
    if isinstance(value, np.generic) and isinstance(value, (np.integer, np.floating, np.bool_)):
        return value.item()
    raise TypeError(f"{type(value).__name__} {value!r} is no number, text, list or dict"[:120])


class Profile(Object):
    """A preset, and modes, thetas or weights of single heads of a model's layers.

    Profile("model.json") reads what `anchorvk eval --target` has written; Profile(dict)
    takes the same as a dict::

        {"schema": 1, "preset": "safe", "heads": [{"layer": 2, "head": 0, "weight": 0.1}, {"layer": 17, "head": 3, "mode": "dense"}]}

    Numbers of numpy are fine in it.

    Engine.plan and Engine.attention take one with the layer, counted from 0. It needs no
    device. Raises Error for what is no profile, and says what is wrong with it.
    """

    _close = "avk_profile_close"

    def __init__(self, source: Union[str, os.PathLike[str], Mapping[str, Any]]) -> None:
        handle = ctypes.c_uint64()
        if isinstance(source, collections.abc.Mapping):
            try:
                text = json.dumps(dict(source), allow_nan=False, default=_of_numpy).encode()
            except (TypeError, ValueError) as e:
                raise type(e)(f"profile cannot be written as JSON: {e}") from None
            library.avk_profile_parse(text, len(text), handle)
        elif isinstance(source, (str, os.PathLike)):
            library.avk_profile_open(check.path("profile", source), handle)
        else:
            raise TypeError(f"profile must be the path of a file, or a dict, not {type(source).__name__}")
        super().__init__(handle.value)

    def check(self, layers: int, heads: int) -> None:
        """Raises Error for the first entry that a model with so many layers of so many query heads cannot use.

        To be called once for a model: a plan sees one layer only, and a layer that the
        profile does not name is computed as its preset says.
        """
        library.avk_profile_check(self._handle, check.integer("layers", layers, 1, check.MAX_INT32), check.integer("heads", heads, 1, check.MAX_INT32))

    @property
    def details(self) -> dict[str, Any]:
        """The profile as a dict: "schema", "model", "preset", "heads"."""
        found: dict[str, Any] = json.loads(library.text(library.avk_profile_text, self._handle, 1, translate=False))
        return found

    def __str__(self) -> str:
        return library.text(library.avk_profile_text, self._handle, 0, translate=False)


def apply(info: PlanInfo, profile: Any, layer: Any) -> None:
    """Fills in the profile's preset and the modes of a layer's heads, of which info has the number."""
    if not isinstance(profile, Profile):
        raise TypeError(f"profile must be an anchorvk.Profile, such as anchorvk.Profile('model.json'), not {type(profile).__name__}")
    if layer is None:
        raise TypeError("profile needs layer, the number of the model's layer from 0")
    heads = (Head * info.heads)()
    library.avk_profile_apply(profile._handle, check.integer("layer", layer, 0, check.MAX_INT32), info, heads, len(heads))
    if info.head_mode_count:
        info.head_modes = heads  # which keeps them alive with info
