"""Objects of the library: a handle that is closed once."""

from __future__ import annotations

import weakref
from typing import Any, TypeVar

from ._library import Error, library

Self = TypeVar("Self", bound="Object")


def _release(function: str, handle: int) -> None:
    try:
        getattr(library, function)(handle)
    except Error:
        pass  # closed already, or by the device


class Object:
    """Something of the library's. Closed by close(), by a with statement, or when nobody holds it any more."""

    _close: str  # the function that closes it

    def __init__(self, handle: int, *needs: Any) -> None:
        self._handle = handle
        self._needs = needs  # kept alive with it
        self._finalizer = weakref.finalize(self, _release, self._close, handle)

    def close(self) -> None:
        """Frees it. May be called more than once."""
        if self._finalizer.detach() is not None:
            getattr(library, self._close)(self._handle)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
