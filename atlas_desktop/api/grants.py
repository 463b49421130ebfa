"""A successful answer of the service read as our plain values: grants, receipts, statuses."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from atlas_desktop.api.answer import READ_LIMIT, notice_line, text_in
from atlas_desktop.api.pricing import charged_usd, number, price_per_hour_usd
from atlas_desktop.api.source import EndReceipt, Mode, SessionGrant, SessionStatus
from atlas_desktop.errors import BadAnswerError, BadRoomAddressError
from atlas_desktop.logs import redact
from atlas_desktop.redaction import known

Body = Mapping[str, Any]


def session_id_in(body: Body) -> str:
    """The session's id in either spelling, exactly as the server wrote it; empty when there is none."""
    for name in ("session_id", "sessionId"):
        value = body.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def grant_in(body: Body, asked: Mode, host: str, *, billed: bool, session_id: str = "") -> SessionGrant:
    """Reads the answer to a create or a viewer call, in Atlas's spelling or in R's.

    Args:
        body: The answer.
        asked: The mode that was asked for, where the answer names none.
        host: Who answered, for the error.
        billed: Whether the session costs anything; if not, it has no price.
        session_id: Which session a viewer's answer is about.

    Raises:
        BadAnswerError: The id, the token or the room's address is missing.
        BadRoomAddressError: The room's address is not ws:// or wss://.
    """
    named = session_id or session_id_in(body)
    token = text_in(body, "token")
    if not named or not token:
        missing = "a token" if named else "a session id"
        raise BadAnswerError(host=host, status=200, detail=f"the answer is without {missing}")
    mode = _mode_in(body, asked)
    known.add_token(token)
    return SessionGrant(
        session_id=named,
        livekit_url=_room_address(text_in(body, "livekit_url", "livekitUrl"), host),
        token=token,
        room=notice_line(text_in(body, "room")),
        mode=mode,
        max_duration_s=number(_first(body, "max_duration_seconds", "maxDurationSeconds")) or None,
        price_per_hour_usd=price_per_hour_usd(body.get("pricing"), mode) if billed else None,
    )


def receipt_in(body: Body, session_id: str) -> EndReceipt:
    """Reads the answer to a DELETE that ended the session."""
    return EndReceipt(
        session_id,
        confirmed=True,
        duration_s=number(_first(body, "duration_seconds", "durationSeconds")),
        cost_usd=charged_usd(body),
    )


def status_in(body: Body, session_id: str) -> SessionStatus:
    """Reads the answer to a GET of one session."""
    return SessionStatus(
        session_id,
        status=notice_line(text_in(body, "status")) or "unknown",
        duration_s=number(_first(body, "duration_seconds", "durationSeconds")),
        max_duration_s=number(_first(body, "max_duration_seconds", "maxDurationSeconds")) or None,
    )


def _mode_in(body: Body, asked: Mode) -> Mode:
    said = text_in(body, "mode").lower()
    return Mode(said) if said in list(Mode) else asked


def _room_address(address: str, host: str) -> str:
    if not address:
        raise BadAnswerError(host=host, status=200, detail="the answer is without a room address")
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        # Whatever follows a "?" may be a token.
        raise BadRoomAddressError(url=redact(address, READ_LIMIT).split("?", maxsplit=1)[0][:80])
    return address


def _first(body: Body, *names: str) -> Any:
    return next((body[name] for name in names if body.get(name) is not None), None)
