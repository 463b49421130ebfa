"""The faults that can be injected, as dataclasses, and their validation when read from JSON."""

import fnmatch
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar, get_origin, get_type_hints

from livekit.protocol import models

from atlas_desktop.local_atlas.rest.http_messages import bad_request

EVERY_SESSION = "*"
MAX_NUMBER = 10**12  # still exact as a float, and as a delay longer than any test
_MAX_PATTERN_CHARS = 1_000  # a pattern is compiled to a regular expression
_REASONS = frozenset(models.DisconnectReason.keys())

T = TypeVar("T")


class FaultBody(StrEnum):
    """The body of an injected response."""

    JSON = "json"
    """An error in Atlas's format."""
    HTML = "html"
    """A proxy's error page."""
    TEXT = "text"
    EMPTY = "empty"


@dataclass(slots=True)
class RestFault:
    """A fault of the next matching calls.

    Attributes:
        method: The HTTP method; empty: any.
        path: The path, with shell wildcards; empty: any.
        times: How many calls it affects; 0: all.
        status: The status to respond with; 0: the real one.
        delay_s: Delay of the call (or, when carried out, of its response).
        carried_out: The request takes effect first, then its response is replaced.
        hang: It is never answered.
        drop: The connection is closed instead of a response.
        error: Atlas's error code in the body; empty: one that fits the status.
        message: The sentence in the body.
        retry_after: Value of the ``Retry-After`` header.
        body: The kind of body.
        change: Fields of the real response to replace, or to remove when null; implies ``carried_out``.
    """

    method: str = ""
    path: str = ""
    times: int = 1
    status: int = 0
    delay_s: float = 0.0
    carried_out: bool = False
    hang: bool = False
    drop: bool = False
    error: str = ""
    message: str = ""
    retry_after: str = ""
    body: FaultBody = FaultBody.JSON
    change: dict[str, Any] = field(default_factory=dict)

    def matches(self, method: str, path: str) -> bool:
        """Return whether it affects such a call."""
        right_method = not self.method or self.method.upper() == method
        return right_method and (not self.path or fnmatch.fnmatchcase(path, self.path))


@dataclass(slots=True)
class RoomFault:
    """A fault of an open room.

    Attributes:
        session: The session's id; ``*``: all that are active.
        order: ``freeze``, ``drop_media``, ``drop_network``, ``close_socket``, ``refuse_resume``,
            ``vanish``, ``return_avatar``, ``mute_tracks``, ``malformed``, ``replace_video_track``,
            ``expel`` or ``disconnect``.
        seconds: Duration (freeze, drop_media, drop_network); ``None``: for good.
        refuse: For refuse_resume.
        muted: For mute_tracks.
        reason: For disconnect: a name of LiveKit's ``DisconnectReason``.
        kind: For malformed: which one; empty: one of each.
    """

    session: str = EVERY_SESSION
    order: str = ""
    seconds: float | None = None
    refuse: bool = True
    muted: bool = True
    reason: str = "ROOM_DELETED"
    kind: str = ""


def fill(target: T, values: Mapping[str, Any]) -> T:
    """Set fields of a dataclass from plain data, and return it. A dict's values are merged.

    Raises:
        RefusedError: 400, when a field is unknown or its value has another type.
    """
    hints = get_type_hints(type(target))
    for name, value in values.items():
        if name not in hints:
            raise bad_request("unknown_field", f"There is no field {name!r}.")
        converted = _convert(hints[name], name, value)
        if not _RULES.get(name, _is_bounded)(converted):
            raise bad_request("bad_value", f"The value of {name!r} can't be used.")
        if isinstance(converted, dict):
            converted = {**getattr(target, name), **converted}
        setattr(target, name, converted)
    return target


def _is_bounded(value: Any) -> bool:
    # NaN compares false with every number; an integer may be too large to become a float.
    return not isinstance(value, int | float) or -MAX_NUMBER <= value <= MAX_NUMBER


def _is_status(value: Any) -> bool:
    return value in range(100, 1000) or value == 0


def _is_delay(value: Any) -> bool:
    return value == math.inf or _is_bounded(value)


def _is_header(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def _are_prices(value: Any) -> bool:
    return all(isinstance(price, int | float) and _is_bounded(price) for price in value.values())


_RULES: dict[str, Callable[[Any], bool]] = {
    "status": _is_status,
    "refuse_status": _is_status,
    "retry_after": _is_header,
    "path": lambda value: len(value) <= _MAX_PATTERN_CHARS,
    "change": _is_json,
    "late_avatar_s": _is_delay,
    "codec": lambda value: value in ("VP8", "H264"),
    "reason": lambda value: value in _REASONS,
    "prices_per_hour_usd": _are_prices,
    "modes": lambda value: all(isinstance(mode, str) for mode in value),
}
"""Constraints on the values of single fields; any other number must be bounded."""


def _convert(hint: Any, name: str, value: Any) -> Any:
    plain = get_origin(hint) if get_origin(hint) in (dict, list) else hint
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(plain, type) and issubclass(plain, StrEnum) and value in list(plain):
        return plain(value)
    if number and not _is_delay(value):
        raise bad_request("bad_value", f"The value of {name!r} is no number that can be counted with.")
    if plain is str and number:
        return str(value)
    if number and isinstance(0.0, plain):
        return float(value)
    if isinstance(value, plain) and (not isinstance(value, bool) or plain is bool):
        return value
    raise bad_request("bad_value", f"The value of {name!r} does not fit.")
