"""Addresses of Atlas, of backends and of rooms: validated once, TLS only, except to this computer."""

import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

from atlas_desktop.errors import BadRoomAddressError, InsecureAddressError, PlainRoomError, shown_name
from atlas_desktop.logs import redact
from atlas_desktop.proxies import is_this_computer

DEFAULT_BASE = "https://api.atlasv1.com"

_QUOTES = "\"'`<>"
_VERSION_PATH = "/v1"
_LONGEST_ROOM_ADDRESS = 2_048
# Characters that parsers disagree on: browsers and LiveKit take a backslash for the end of the host.
_MISREAD = re.compile(r"[\s\\^`{|}<>\"]")


def normalise_base(text: str) -> str:
    """Return the base of an Atlas as ``https://host[:port][/path]``, without a trailing slash.

    A missing scheme is filled in, a trailing ``/v1`` (pasted from an example) is dropped.

    Raises:
        InsecureAddressError: Neither https nor on this computer, or no web address at all.
    """
    parts = _checked(text)
    path = parts.path.rstrip("/").removesuffix(_VERSION_PATH)
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def normalise_backend(text: str) -> str:
    """Return a backend's address without a trailing slash; a query stays, a fragment goes.

    Raises:
        InsecureAddressError: Neither https nor on this computer, or no web address at all.
    """
    parts = _checked(text)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), parts.query, ""))


def checked_picture_url(text: str) -> str:
    """Return the address of a picture, which Atlas accepts over https only.

    Raises:
        InsecureAddressError: It is not an https address.
    """
    parts = _split(text)
    if parts.scheme != "https":
        raise InsecureAddressError(url=_shown(parts, text))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, ""))


def checked_room_url(address: str) -> str:
    """Return the address of a room's signalling as it was given: ``wss://``, or ``ws://`` to this computer.

    Raises:
        PlainRoomError: It is ``ws://`` and leads to another computer, or may.
        BadRoomAddressError: It is not an address of a room.
    """
    try:
        parts = urlsplit(address if len(address) <= _LONGEST_ROOM_ADDRESS else "")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadRoomAddressError(url=_shown_room(address)) from error
    is_readable = address.isprintable() and not _MISREAD.search(address) and "%" not in parts.netloc
    is_whole = bool(host) and port != 0 and "@" not in parts.netloc and "#" not in address
    if parts.scheme not in ("ws", "wss") or not is_readable or not is_whole:
        raise BadRoomAddressError(url=_shown_room(address))
    if parts.scheme == "ws" and not is_this_computer(host):
        raise PlainRoomError(url=_shown_room(address))
    return address


def below(address: str, *names: str) -> str:
    """Return ``address`` with ``names`` (already quoted) appended to its path; its query stays."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(path="/".join((parts.path.rstrip("/"), *names))))


def host_of(address: str) -> str:
    """Return the host (and port, when given) of ``address``."""
    return urlsplit(address).netloc


def is_loopback(address: str) -> bool:
    """Return whether ``address`` leads to this computer."""
    return is_this_computer(urlsplit(address).hostname or "")


def _checked(text: str) -> SplitResult:
    parts = _split(text)
    if parts.scheme != "https" and not is_loopback(parts.geturl()):
        raise InsecureAddressError(url=_shown(parts, text))
    return parts


def _split(text: str) -> SplitResult:
    """Split what a person typed or pasted; host in lower case, never with a user or password."""
    clean = text.strip().strip(_QUOTES).strip()
    try:
        parts = urlsplit(clean if "://" in clean else _with_scheme(clean))
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise InsecureAddressError(url=_first_word(clean)) from error
    if not host or any(sign.isspace() for sign in clean) or parts.scheme not in ("https", "http"):
        raise InsecureAddressError(url=_first_word(clean))
    if "@" in parts.netloc:
        raise InsecureAddressError(url=host)
    return parts._replace(netloc=parts.netloc.lower())


def _with_scheme(address: str) -> str:
    guess = f"http://{address}"
    if is_loopback(guess):
        return guess
    # A single bare word may be a key in the wrong field: it must not be sent to a name server.
    return f"https://{address}" if "." in host_of(guess) else address


def _first_word(text: str) -> str:
    # What was pasted here by mistake may be or contain a key: show its beginning only.
    return redact(text.split("?", maxsplit=1)[0].rpartition("@")[2])[:24] or "…"


def _shown(parts: SplitResult, text: str) -> str:
    if not parts.netloc:
        return _first_word(text)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def _shown_room(address: str) -> str:
    # Whatever follows a "?" may be a token, whatever stands before an "@" a password.
    return shown_name(
        redact(address[:_LONGEST_ROOM_ADDRESS].split("?", maxsplit=1)[0].rpartition("@")[2]), 80
    )
