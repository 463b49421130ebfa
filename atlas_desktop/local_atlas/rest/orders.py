"""What the fault desk can be told, as plain values, and how they are read from plain data."""

import fnmatch
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar, get_origin, get_type_hints

from atlas_desktop.local_atlas.rest.answers import bad_request
from atlas_desktop.local_atlas.stage import LeaveReason

EVERY_SESSION = "*"
LARGEST_NUMBER = 10**12
_LONGEST_PATTERN = 1_000

T = TypeVar("T")


class SpoiledBody(StrEnum):
    """What stands in a spoiled answer."""

    JSON = "json"
    """Atlas's error shape."""
    HTML = "html"
    """A proxy's page."""
    TEXT = "text"
    EMPTY = "empty"


@dataclass(slots=True)
class RestFault:
    """What happens to the next calls that match.

    Attributes:
        method: The HTTP method; empty: any.
        path: The path, with shell wildcards; empty: any.
        times: How many calls it spoils; 0: all.
        status: The status answered instead; 0: the real one.
        delay_s: How long the call waits first (or, when carried out, its answer).
        carried_out: The request does its work first, then its answer is spoiled.
        hang: It is never answered.
        drop: The connection is cut instead of an answer.
        error: Atlas's code in the answer's body; empty: one that fits the status.
        message: The sentence in the answer's body.
        retry_after: The header of that name, as it is.
        body: What the answer's body is.
        change: Fields of the real answer to be replaced, or removed when null; implies ``carried_out``.
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
    body: SpoiledBody = SpoiledBody.JSON
    change: dict[str, Any] = field(default_factory=dict)

    def matches(self, method: str, path: str) -> bool:
        """Whether it spoils such a call."""
        right_method = not self.method or self.method.upper() == method
        return right_method and (not self.path or fnmatch.fnmatchcase(path, self.path))


@dataclass(slots=True)
class RoomOrder:
    """What an open room shall do.

    Attributes:
        session: The session's id; ``*``: all that are active.
        order: ``freeze``, ``drop_media``, ``drop_network``, ``close_socket``, ``refuse_resume``,
            ``vanish``, ``return_avatar``, ``mute_tracks``, ``malformed``, ``replace_video_track``,
            ``expel`` or ``disconnect``.
        seconds: For how long (freeze, drop_media, drop_network); ``None``: for good.
        refuse: For refuse_resume.
        muted: For mute_tracks.
        reason: For disconnect.
        kind: Which malformed thing; empty: one of each.
    """

    session: str = EVERY_SESSION
    order: str = ""
    seconds: float | None = None
    refuse: bool = True
    muted: bool = True
    reason: LeaveReason = LeaveReason.ROOM_DELETED
    kind: str = ""


def filled(target: T, values: Mapping[str, Any]) -> T:
    """Sets fields of a dataclass from plain data, and returns it. A dict's values are merged.

    Raises:
        RefusedError: 400, when a field is unknown or its value of another type.
    """
    hints = get_type_hints(type(target))
    for name, value in values.items():
        if name not in hints:
            raise bad_request("unknown_field", f"There is no field {name!r}.")
        fitting = _fitting(hints[name], name, value)
        if not _RULES.get(name, _is_bounded)(fitting):
            raise bad_request("bad_value", f"The value of {name!r} can't be used.")
        if isinstance(fitting, dict):
            fitting = {**getattr(target, name), **fitting}
        setattr(target, name, fitting)
    return target


def _is_bounded(value: Any) -> bool:
    # Not a number is in no order with any; an integer may be too large to be made a float.
    return not isinstance(value, int | float) or -LARGEST_NUMBER <= value <= LARGEST_NUMBER


def _is_status(value: Any) -> bool:
    return value in range(100, 1000) or value == 0


def _is_wait(value: Any) -> bool:
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
    "path": lambda value: len(value) <= _LONGEST_PATTERN,
    "change": _is_json,
    "late_avatar_s": _is_wait,
    "codec": lambda value: value in ("VP8", "H264"),
    "prices_per_hour_usd": _are_prices,
    "modes": lambda value: all(isinstance(mode, str) for mode in value),
}
"""What else must hold for the value of a field, by name; for others a number must be bounded."""


def _fitting(hint: Any, name: str, value: Any) -> Any:
    plain = get_origin(hint) if get_origin(hint) in (dict, list) else hint
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(plain, type) and issubclass(plain, StrEnum) and value in list(plain):
        return plain(value)
    if number and not _is_wait(value):
        raise bad_request("bad_value", f"The value of {name!r} is no number that can be counted with.")
    if plain is str and number:
        return str(value)
    if number and isinstance(0.0, plain):
        return float(value)
    if isinstance(value, plain) and (not isinstance(value, bool) or plain is bool):
        return value
    raise bad_request("bad_value", f"The value of {name!r} does not fit.")
