"""The protocol between the app and its guard, over the guard's pipes.

A *frame* is one line of JSON; where the line has ``content_bytes``, so many raw bytes follow it. The app
sends *orders*. One with a number ``n`` is answered by exactly one frame with the same number: ``ok`` holds
what came of it, or ``error`` a complaint. *Events* come from the guard unasked and have no number.

==============  ===========================================================================  ================
order           beside ``op`` and ``n``                                                      ``ok``
==============  ===========================================================================  ================
``open``        ``source`` (a name of the app's choice), ``kind``, ``address``, ``secret``   ``{}``
``create``      ``source mode limits unrecorded face``; content: the face's bytes            a grant
``end``         ``source session_id why``, maybe ``entry``: its name in the journal          a receipt
``adopt``       ``source session_id limits ran_s price_per_hour_usd max_duration_s``: after  ``{}``
                a guard died, its successor takes over; the last three as the app knows
                them, counted from the grant
``limits``      ``session_id limits``                                                        ``{}``
``dismiss``     ``entry``: the user knows that this session of before is over                ``{}``
``leftovers``   after the app's ``open`` and ``adopt`` orders: looks for what earlier runs   ``{}``
                left open; from then on each ``open`` looks again
``beat``        ``idle_s``; without a number: a sign of life                                 none
==============  ===========================================================================  ================

An event's name is its ``event``:

- ``ended`` (``session_id why receipt``): the guard ended a session unasked. While the receipt is not
  confirmed it repeats its requests, and the event once it is. Also sent when an ``end`` that was answered
  unconfirmed is confirmed later.
- ``attempt_failed`` (``session_id error answered repeated``): a request to end a session did not confirm
  its end: it failed, timed out, or the answer said nothing about the session.
- ``status`` (``session_id status duration_s max_duration_s``): once a minute.
- ``day`` (``session_id spent_today_usd day_left_s``): what other sessions of the day have cost by now, and
  the seconds from the grant to the day's end; sent when that changes.
- ``leftover`` (``entry outcome cost_usd most_usd receipt``): what became of a session that an earlier run
  left open; sent again when that changes. ``entry``: a ``BillingEntry`` without salt and fingerprint,
  times as ISO text, and ``running_s``; ``cost_usd``: what it cost, or may have cost so far, or null;
  ``most_usd``: what one whose id is lost may cost at most, or null.
- ``journal`` (``error``): the journal can't be written any more; what runs goes on.
"""

import json
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.source import EndReceipt, Face, Mode, SessionGrant
from atlas_desktop.errors import AppError, BugError
from atlas_desktop.redaction import known

Frame = dict[str, Any]
LONGEST_LINE_BYTES = 1_000_000


class EndReason(StrEnum):
    """Why a session was ended."""

    ASKED = "asked"
    LIMIT = "limit"
    IDLE = "idle"
    HANG = "hang"
    APP_GONE = "app_gone"
    SLEEP = "sleep"
    GUARD_TOLD = "guard_told"
    """The guard itself got SIGTERM."""
    SERVICE = "service"
    """The service says that it is over."""
    UNUSABLE = "unusable"
    """The service made it, but its answer could not be used."""
    LEFT_OPEN = "left_open"
    """An earlier run left it open."""


class LeftoverOutcome(StrEnum):
    """What became of a session that an earlier run left open."""

    ENDING = "ending"
    ENDED = "ended"
    LOCKED = "locked"
    """The key or backend that made it is not at hand: the user is asked."""
    UNCONFIRMED = "unconfirmed"
    UNKNOWN = "unknown"
    """Asked for, but its id never came: it can't be ended from here."""


def encode_message(frame: Frame, content: bytes = b"") -> bytes:
    """Encode a frame, its content included."""
    if content:
        frame = {**frame, "content_bytes": len(content)}
    return json.dumps(frame, ensure_ascii=True, separators=(",", ":")).encode() + b"\n" + content


def decode_message(line: bytes) -> Frame:
    """Decode a frame's line.

    Raises:
        ValueError: It is not a JSON object.
    """
    frame = json.loads(line)
    if isinstance(frame, dict):
        return frame
    raise ValueError("a frame is a JSON object")


def encode_error(error: AppError) -> Frame:
    """Encode an error as a frame can carry it."""
    return {"code": error.code, "params": error.params}


def decode_error(complaint: Frame) -> AppError:
    """Decode an error; one that this version does not know becomes a ``BugError``."""
    kind = _kinds().get(str(complaint.get("code")))
    params = complaint.get("params")
    if kind is None or not isinstance(params, dict):
        return BugError(where=f"the guard ({complaint.get('code')})")
    return kind(**params)


def face_frame(face: Face | None) -> tuple[Frame | None, bytes]:
    """Encode a face: its frame, and the content that goes behind the line."""
    if face is None:
        return None, b""
    return {"name": face.name, "media_type": face.media_type, "url": face.url}, face.content or b""


def face_in(frame: Frame | None, content: bytes) -> Face | None:
    """Decode a face and its content."""
    return None if frame is None else Face(content=content or None, **frame)


def grant_frame(grant: SessionGrant) -> Frame:
    """Encode a grant, its token included: it travels over the guard's pipe only."""
    return asdict(grant)


def grant_of_frame(frame: Frame) -> SessionGrant:
    grant = SessionGrant(**{**frame, "mode": Mode(frame["mode"])})
    known.add_token(str(grant.token))
    return grant


def receipt_of_frame(frame: Frame) -> EndReceipt:
    return EndReceipt(**frame)


def limits_of_frame(frame: Frame) -> SpendingLimits:
    return SpendingLimits(**frame)


def _kinds() -> dict[str, type[AppError]]:
    found: dict[str, type[AppError]] = {}
    waiting: list[type[AppError]] = [AppError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    return found
