"""Retries for tests of real time: other programs may occupy the machine for a moment."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

ATTEMPTS = 3
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


def timing_sensitive(test: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """Repeat a failed test up to twice: what is too slow is too slow in every attempt."""
    repeated: Callable[..., Any] = _awaited(test) if inspect.iscoroutinefunction(test) else _called(test)
    return functools.wraps(test)(repeated)


def _called(test: Callable[..., Any]) -> Callable[..., Any]:
    def run(*given: Any, **fixtures: Any) -> Any:
        for _ in range(ATTEMPTS - 1):
            with suppress(AssertionError):
                return test(*given, **fixtures)
        return test(*given, **fixtures)

    return run


def _awaited(test: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def run(*given: Any, **fixtures: Any) -> Any:
        for _ in range(ATTEMPTS - 1):
            with suppress(AssertionError):
                return await test(*given, **fixtures)
        return await test(*given, **fixtures)

    return run
