"""The environment variables that native code reads: LiveKit's SDK and OpenSSL, with each connection.

``os.environ`` keeps what the user set: Python reads that, and children are given it. Only the native
environment is changed, which is safe under running threads as long as no name is added or removed: the names
are added at the program's start and their values replaced later.

Proxies: the SDK takes ``HTTPS_PROXY`` for ``wss://`` and ``HTTP_PROXY`` for ``ws://``, even for loopback
addresses, and ignores ``NO_PROXY``; an empty value means a direct connection (livekit-net 0.1.2,
``src/native/proxy.rs``). So a room is given exactly the proxy that ``proxies`` chose.

Certificates: OpenSSL (``ssl.create_default_context``, with any import of aiohttp) and the SDK open what
``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name, even for connections without TLS. A pipe there blocks a thread
that nobody can end, so such a variable is unset. Our own connections report it before they send anything
(``api/certificates``).
"""

import os
import stat
import threading
from typing import Final

KEY_LOG: Final = "SSLKEYLOGFILE"
_ROUTES: Final = ("HTTPS_PROXY", "HTTP_PROXY")
_OTHERS: Final = ("ALL_PROXY", "NO_PROXY")
"""Read by the SDK's HTTP client; they would take precedence over the route of a room."""
_KINDS: Final = {"SSL_CERT_FILE": stat.S_ISREG, "SSL_CERT_DIR": stat.S_ISDIR}
_STAT_LIMIT_S: Final = 2.0
_owners: list[object] = []


def reserve_proxy_names() -> None:
    """Add every proxy variable to the native environment, with the user's value.

    Call before threads start.
    """
    if not _owners:
        _put({name: _user_value(name) for name in (*_ROUTES, *_OTHERS)})


def set_proxy(owner: object, address: str) -> None:
    """Route the SDK's connections through ``address`` (empty: directly) until ``restore_proxy(owner)``."""
    _owners[:] = [owner]
    _put({**dict.fromkeys(_ROUTES, address), **dict.fromkeys(_OTHERS, "")})


def restore_proxy(owner: object) -> None:
    """Restore the user's values, unless another owner has set a proxy since."""
    if _owners == [owner]:
        _owners.clear()
        reserve_proxy_names()


def unsafe_certificate_variables() -> list[str]:
    """Return the variables that name something other than a file or a folder, or a disk that does not answer.

    Blocks for two seconds at most. A path that does not exist is safe.
    """
    safe: list[str] = []
    named = [name for name in _KINDS if os.environ.get(name)]

    def look() -> None:
        safe.extend(name for name in named if not _is_unsafe(name))

    if named:
        # A daemon: a dead disk must not delay our exit.
        thread = threading.Thread(target=look, name="certificates", daemon=True)
        thread.start()
        thread.join(_STAT_LIMIT_S)
    return [name for name in named if name not in safe]


def unset_unsafe_certificates() -> None:
    """Remove unsafe certificate variables from the native environment. Call before threads start."""
    for name in unsafe_certificate_variables():
        os.unsetenv(name)


def _user_value(name: str) -> str:
    # Lower case first, as urllib does and so ``proxies``.
    return os.environ.get(name.lower(), "") or os.environ.get(name, "")


def _put(values: dict[str, str]) -> None:
    for name, value in values.items():
        os.putenv(name, value)


def _is_unsafe(name: str) -> bool:
    paths = os.environ[name].split(os.pathsep) if name == "SSL_CERT_DIR" else [os.environ[name]]
    return any(_is_other(name, path) for path in paths)


def _is_other(name: str, path: str) -> bool:
    try:
        return not _KINDS[name](os.stat(path).st_mode)  # noqa: PTH116 - what is given is no list of parts
    except (OSError, ValueError):
        return False
