"""Lists of observers' callbacks; a failing one harms neither the caller nor the others."""

from collections.abc import Callable
from typing import Generic, ParamSpec

from atlas_desktop.aio import ErrorHandler, guarded

P = ParamSpec("P")
Unsubscribe = Callable[[], None]


class Callbacks(Generic[P]):
    """Callbacks of one kind; calling it calls them all. An error is reported, and the others are called.

    Thread: one event loop.
    """

    def __init__(self, name: str, on_error: ErrorHandler | None = None) -> None:
        self._name = name
        self._on_error = on_error
        self._callbacks: dict[object, Callable[P, object]] = {}

    def add(self, callback: Callable[P, object]) -> Unsubscribe:
        """Add ``callback``; return the function that removes it, which may be called twice."""
        ticket = object()
        self._callbacks[ticket] = guarded(self._name, self._on_error)(callback)

        def remove() -> None:
            self._callbacks.pop(ticket, None)

        return remove

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        for callback in tuple(self._callbacks.values()):
            callback(*args, **kwargs)
