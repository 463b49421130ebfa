"""Parsing a response's JSON into grants, receipts and statuses."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from atlas_desktop.api.address import checked_room_url
from atlas_desktop.api.pricing import charged_usd, price_per_hour_usd
from atlas_desktop.api.response import READ_LIMIT, notice_line, text_in
from atlas_desktop.api.source import EndReceipt, Mode, SessionGrant, SessionStatus
from atlas_desktop.errors import BadAnswerError
from atlas_desktop.lenient_json import DECODER, number_of, parse_or_none
from atlas_desktop.redaction import known

Body = Mapping[str, Any]

LONGEST_ID: Final = 1000
"""Longer ones fit into no URL: such a session can't be ended from here."""
_LONGEST_TEXT: Final = 16_384
"""A token with every permission that LiveKit knows has two thousand characters."""
_ID_NAMES: Final = ("session_id", "sessionId")
_MOST_PLACES: Final = 8
_LONGEST_STATUS: Final = 64
_RUNNING: Final = ("active", "running", "live", "starting", "pending", "connecting")


def session_id_in(body: Body) -> str:
    """Return the session's id in either spelling, exactly as the server wrote it; empty when there is none.

    A number becomes the text of its digits; an id that is too long for a request counts as none.
    """
    return next(filter(None, (_as_id(body.get(name)) for name in _ID_NAMES)), "")


def session_id_within(content: bytes | bytearray) -> str:
    """Return the id of the session that a create's response names; empty when there is none.

    It is also found in nested objects, in a body that is not JSON, and in a truncated one: a session that was
    made must be ended, however little of the response is usable.
    """
    body = parse_or_none(content)
    if isinstance(body, dict) and (session_id := session_id_in(body)):
        return session_id
    text = content.decode("utf-8", "replace")
    ids = (_id_at(text, place) for name in _ID_NAMES for place in _places(text, f'"{name}"'))
    return next(filter(None, ids), "")


def _as_id(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and len(value) <= LONGEST_ID else ""


def _places(text: str, name: str) -> Iterator[int]:
    """Yield the positions after ``name``, for its first few occurrences."""
    place = 0
    for _ in range(_MOST_PLACES):
        place = text.find(name, place)
        if place < 0:
            return
        place += len(name)
        yield place


def _id_at(text: str, place: int) -> str:
    colon, _, rest = text[place : place + READ_LIMIT].partition(":")
    rest = rest.lstrip()
    try:
        value, end = DECODER.raw_decode(rest)
    except (ValueError, RecursionError):
        return ""
    # A truncated number may lack digits.
    is_whole = end < len(rest) or isinstance(value, str)
    return _as_id(value) if is_whole and not colon.strip() else ""


def grant_in(body: Body, asked: Mode, host: str, *, billed: bool, session_id: str = "") -> SessionGrant:
    """Parse the response to a create or a viewer call, in Atlas's spelling or in R's.

    Args:
        body: The response.
        asked: The requested mode, where the response names none.
        host: Who responded, for errors.
        billed: Whether the session costs anything; if not, it has no price.
        session_id: The session of a viewer call.

    Raises:
        BadAnswerError: The id, the token or the room's address is missing or absurdly long.
        BadRoomAddressError: The room's address is not wss://, nor ws:// to this computer.
    """
    named = session_id or session_id_in(body)
    token, room = text_in(body, "token"), text_in(body, "room")
    if not named or not token:
        missing = "a token" if named else "a session id"
        raise BadAnswerError(host=host, status=200, detail=f"the answer is without {missing}")
    if max(len(token), len(room)) > _LONGEST_TEXT:
        raise BadAnswerError(host=host, status=200, detail="the answer's token is far too long")
    mode = _mode_in(body, asked)
    known.add_token(token)
    return SessionGrant(
        session_id=named,
        livekit_url=_room_address(text_in(body, "livekit_url", "livekitUrl"), host),
        token=token,
        room=notice_line(room),
        mode=mode,
        max_duration_s=_number_in(body, "max_duration_seconds", "maxDurationSeconds") or None,
        price_per_hour_usd=price_per_hour_usd(body.get("pricing"), mode) if billed else None,
    )


def check_over(body: Body, session_id: str, host: str) -> None:
    """Check that a successful response to a DELETE means that the session is over.

    Raises:
        BadAnswerError: It names another session or an error, or says that the session is running.
    """
    named, status = session_id_in(body), text_in(body, "status").lower()
    if named not in ("", session_id) or body.get("error") or status in _RUNNING:
        raise BadAnswerError(host=host, status=200, detail="the answer does not say that the session is over")


def receipt_in(body: Body, session_id: str) -> EndReceipt:
    """Parse the response to a DELETE that ended the session."""
    return EndReceipt(
        session_id,
        confirmed=True,
        duration_s=_number_in(body, "duration_seconds", "durationSeconds"),
        cost_usd=charged_usd(body),
    )


def status_in(body: Body, session_id: str) -> SessionStatus:
    """Parse the response to a GET of one session."""
    return SessionStatus(
        session_id,
        status=notice_line(text_in(body, "status")[:_LONGEST_STATUS]) or "unknown",
        duration_s=_number_in(body, "duration_seconds", "durationSeconds"),
        max_duration_s=_number_in(body, "max_duration_seconds", "maxDurationSeconds") or None,
    )


def _mode_in(body: Body, asked: Mode) -> Mode:
    said = text_in(body, "mode").lower()
    return Mode(said) if said in list(Mode) else asked


def _room_address(address: str, host: str) -> str:
    if not address:
        raise BadAnswerError(host=host, status=200, detail="the answer is without a room address")
    return checked_room_url(address)


def _number_in(body: Body, *names: str) -> float | None:
    value = next((body[name] for name in names if body.get(name) is not None), None)
    return number_of(value, from_text=True)
