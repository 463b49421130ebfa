"""The proxy variables as native code reads them: LiveKit's SDK looks there with each connection.

It takes ``HTTPS_PROXY`` for ``wss://`` and ``HTTP_PROXY`` for ``ws://``, sends even this computer's own
addresses there and ignores ``NO_PROXY``; an empty value means a direct connection (livekit-net 0.1.2,
``src/native/proxy.rs``). So a room is given exactly what ``proxies`` decided.

``os.environ`` stays as it was: what Python reads, and what children are given, is what the person set.
Changing the native environment under running threads is risky only where names are added or removed: ours are
added at the program's start, and then replaced in place.
"""

import os
from typing import Final

_ROUTES: Final = ("HTTPS_PROXY", "HTTP_PROXY")
_OTHERS: Final = ("ALL_PROXY", "NO_PROXY")
"""Read by the SDK's HTTP client; they would come before what a room was given."""
_holders: list[object] = []


def reserve_names() -> None:
    """Puts every name into the native environment, with the person's own value. Before threads start."""
    if not _holders:
        _set({name: _own(name) for name in (*_ROUTES, *_OTHERS)})


def hold(holder: object, address: str) -> None:
    """Leads the SDK's connections to ``address`` (empty: nowhere, directly) until ``release(holder)``."""
    _holders[:] = [holder]
    _set({**dict.fromkeys(_ROUTES, address), **dict.fromkeys(_OTHERS, "")})


def release(holder: object) -> None:
    """Puts back what the person set, unless somebody else holds it by now."""
    if _holders == [holder]:
        _holders.clear()
        reserve_names()


def _own(name: str) -> str:
    # Lower case first, as urllib does and so ``proxies``.
    return os.environ.get(name.lower(), "") or os.environ.get(name, "")


def _set(values: dict[str, str]) -> None:
    for name, value in values.items():
        os.putenv(name, value)
