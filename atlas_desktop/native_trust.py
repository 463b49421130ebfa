"""The certificate variables as native code reads them: where it would wait for ever, they are left out.

OpenSSL (``ssl.create_default_context``, with any import of aiohttp) and LiveKit's SDK open what
``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name, even for connections without TLS: a pipe there is waited for,
in a thread that nobody can end. Our own connections name such a variable before they send anything
(``api/certificates``).
"""

import os
import stat
import threading
from typing import Final

KEY_LOG: Final = "SSLKEYLOGFILE"
_KINDS: Final = {"SSL_CERT_FILE": stat.S_ISREG, "SSL_CERT_DIR": stat.S_ISDIR}
_LIMIT_S: Final = 2.0


def unsafe_variables() -> list[str]:
    """The variables that name what is neither a file nor a folder, as each should; or a disk that is silent.

    Blocks for two seconds at most. What is not there is harmless.
    """
    harmless: list[str] = []
    named = [name for name in _KINDS if os.environ.get(name)]

    def look() -> None:
        harmless.extend(name for name in named if not _is_unsafe(name))

    if named:
        # A daemon: a dead disk must not hold up our end.
        looking = threading.Thread(target=look, name="certificates", daemon=True)
        looking.start()
        looking.join(_LIMIT_S)
    return [name for name in named if name not in harmless]


def unset_unsafe_variables() -> None:
    """Takes them out of the native environment; ``os.environ`` stays as it was. Before threads start."""
    for name in unsafe_variables():
        os.unsetenv(name)


def _is_unsafe(name: str) -> bool:
    paths = os.environ[name].split(os.pathsep) if name == "SSL_CERT_DIR" else [os.environ[name]]
    return any(_is_other(name, path) for path in paths)


def _is_other(name: str, path: str) -> bool:
    try:
        return not _KINDS[name](os.stat(path).st_mode)  # noqa: PTH116 - what is given is no list of parts
    except (OSError, ValueError):
        return False
