"""Paths from ``file:`` addresses and lists of them, as other programs write them. The disk is not touched."""

import os
import socket
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from atlas_desktop.errors import ElsewhereError

_ON_WINDOWS = os.name == "nt"
_CLIPBOARD_VERBS = ("copy", "cut")


def addresses_in(data: bytes) -> list[str]:
    """Return the addresses in a ``text/uri-list`` (RFC 2483), or in a clipboard entry of GNOME's.

    Comments, empty lines, CRLF and the entry's first word (``copy`` or ``cut``) are left out; bytes that are
    not UTF-8 are kept (as surrogates).
    """
    lines = [line.strip() for line in data.decode("utf-8", "surrogateescape").replace("\0", "").split("\n")]
    return [line for line in lines if line and not line.startswith("#") and line not in _CLIPBOARD_VERBS]


def path_of_address(address: str) -> Path | None:
    """Return the path that a ``file:`` address names, byte for byte; ``None`` for any other address.

    ``file:/a``, ``file:///a`` and ``file://localhost/a`` are the same, as is one with this computer's name.

    Raises:
        ElsewhereError: It names another computer.
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets without an IPv6 address
        return None
    if parts.scheme != "file":
        return None
    path = os.fsdecode(unquote_to_bytes(parts.path.encode("utf-8", "surrogateescape")))
    if not path.startswith("/"):
        return None
    host = parts.hostname or ""
    if not host and path.startswith("//"):
        host, path = path[2:].partition("/")[0], "/" + path[2:].partition("/")[2]
    if host and host not in _own_names():
        if not _ON_WINDOWS:
            raise ElsewhereError(name=path.rpartition("/")[2] or path, host=host)
        return Path(f"//{host}{path}")
    # file:///C:/x has a path of /C:/x.
    return Path(path[1:] if len(path) > 2 and path[2] == ":" else path)


def absolute(path: str | os.PathLike[str]) -> Path:
    """Return an absolute path, even if the current folder was deleted: then the file isn't there either."""
    found = Path(path)
    try:
        return found.absolute()
    except OSError:
        before = os.environ.get("PWD", "")
        return Path(before if before.startswith(os.sep) else os.sep) / found


def as_given(argument: str) -> str:
    """Return a command-line argument as another process can use it: an address or an absolute path."""
    return argument if "://" in argument or argument.startswith("file:") else str(absolute(argument))


def _own_names() -> frozenset[str]:
    """Return this computer's names from the system's own record, without a query to a name server."""
    name = socket.gethostname().lower()
    return frozenset({"localhost", "127.0.0.1", "::1", name, name.partition(".")[0]} - {""})
