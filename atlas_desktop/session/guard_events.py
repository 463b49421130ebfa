"""The events that the guard publishes."""

import logging
from dataclasses import dataclass, field
from typing import Any

from atlas_desktop.api.guard_protocol import EndReason, Frame, LeftoverOutcome, decode_error, receipt_of_frame
from atlas_desktop.api.source import EndReceipt
from atlas_desktop.errors import JournalError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionStopped:
    """The guard ended a session by itself, or an end that was asked for is confirmed late."""

    session_id: str
    why: EndReason
    receipt: EndReceipt


@dataclass(frozen=True, slots=True)
class SessionStatusReceived:
    """The service's view of a session that runs: once a minute.

    Attributes:
        duration_s: The service's count; ``None`` where it gives none.
        status: The service's own word.
    """

    session_id: str
    duration_s: float | None
    status: str


@dataclass(frozen=True, slots=True)
class DailySpendReceived:
    """What other sessions of this day have cost by now.

    Attributes:
        day_left_s: Seconds from the session's grant to local midnight.
    """

    session_id: str
    spent_today_usd: float
    day_left_s: float


@dataclass(frozen=True, slots=True)
class Leftover:
    """What became of a session that an earlier run left open; published again when that changes.

    Attributes:
        entry: The journal's entry as plain data: ``key``, ``kind``, ``address``, ``mode``,
            ``session_id``, times as ISO text.
        cost_usd: What it may have cost; ``None`` where the price is not known.
        most_usd: What one whose id is lost may cost at most; ``None`` where that is not known.
        receipt: The service's words, once it has ended.
    """

    entry: dict[str, Any] = field(hash=False)
    outcome: LeftoverOutcome
    cost_usd: float | None = None
    receipt: EndReceipt | None = None
    most_usd: float | None = None


@dataclass(frozen=True, slots=True)
class JournalBroken:
    """The record of paid sessions can't be written any more; those that run go on."""

    error: JournalError


GuardEvent = SessionStopped | SessionStatusReceived | DailySpendReceived | Leftover | JournalBroken


def event_of_frame(frame: Frame) -> GuardEvent | None:
    """Decode an event of the guard's; ``None`` for one that this version does not know."""
    try:
        return _event_of_frame(frame)
    except (KeyError, TypeError, ValueError) as error:
        log.warning("an event of the guard's can't be read: %s (%r)", frame.get("event"), error)
        return None


def _event_of_frame(frame: Frame) -> GuardEvent | None:
    match frame.get("event"):
        case "ended":
            receipt = receipt_of_frame(frame["receipt"])
            return SessionStopped(frame["session_id"], EndReason(frame["why"]), receipt)
        case "status":
            return SessionStatusReceived(frame["session_id"], frame.get("duration_s"), str(frame["status"]))
        case "day":
            spent_usd, left_s = float(frame["spent_today_usd"]), float(frame["day_left_s"])
            return DailySpendReceived(frame["session_id"], spent_usd, left_s)
        case "leftover":
            ending = frame.get("receipt")
            return Leftover(
                frame["entry"],
                LeftoverOutcome(frame["outcome"]),
                frame.get("cost_usd"),
                None if ending is None else receipt_of_frame(ending),
                frame.get("most_usd"),
            )
        case "journal":
            error = decode_error(frame["error"])
            return JournalBroken(
                error if isinstance(error, JournalError) else JournalError(detail=str(error))
            )
    return None
