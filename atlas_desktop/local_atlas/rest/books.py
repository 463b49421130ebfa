"""The books of the local Atlas: its terms, the credit, every session with what it was billed, every call."""

import math
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

ACTIVE = "active"
ENDED = "ended"
BY_CLIENT = "client"
BY_LIMIT = "limit"
BY_SHUTDOWN = "shutdown"

MODES = ("conversation", "passthrough")
PLAY_MONEY_CENTS = 1_000_000
"""A rehearsal is free: enough for a thousand hours, and counted only to be told."""

_HOUR_S = 3600.0
_CENTS = 100
_CALLS_KEPT = 10_000
_METHOD_SIGNS = 16
_PATH_SIGNS = 200

Clock = Callable[[], float]


@dataclass(slots=True)
class Terms:
    """What the service offers, and for how much. Changes count for sessions made from then on.

    Attributes:
        prices_per_hour_usd: By mode.
        pricing: The text of a create's answer; empty: made from the price.
        modes: Which modes are offered.
        max_duration_s: After how long a session is ended; ``None``: never.
        capacity: How many sessions may be active at once.
        requests_per_minute: How many calls with a key are answered a minute; 0: all.
        render_price_per_hour_usd: Price of an hour of rendered video.
    """

    prices_per_hour_usd: dict[str, float] = field(
        default_factory=lambda: {"conversation": 10.0, "passthrough": 7.0}
    )
    pricing: str = ""
    modes: list[str] = field(default_factory=lambda: list(MODES))
    max_duration_s: float | None = 4 * _HOUR_S
    capacity: int = 50
    requests_per_minute: int = 1200
    render_price_per_hour_usd: float = 5.0

    def pricing_text(self, mode: str) -> str:
        """What a create's answer says about the price."""
        return self.pricing or f"${self.prices_per_hour_usd[mode]:g}/hour, billed by the second"


@dataclass(slots=True)
class SessionEntry:
    """One session; seconds are of the books' own clock, ``…_at`` is UTC as ISO 8601 text."""

    session_id: str
    mode: str
    price_per_hour_usd: float
    max_duration_s: float | None
    started_s: float
    started_at: str
    room: str = ""
    ended_s: float | None = None
    ended_at: str | None = None
    ended_by: str | None = None
    deducted_cents: int = 0

    @property
    def status(self) -> str:
        return ACTIVE if self.ended_s is None else ENDED


@dataclass(slots=True)
class CallEntry:
    """One request: no query, no header, no body. ``status`` is 0 until, and unless, it is answered."""

    at: str
    method: str
    path: str
    status: int = 0
    took_ms: float = 0.0


class Books:
    """Everything that the local Atlas remembers. Thread: the event loop's; others may read.

    Args:
        clock_s: Seconds that only grow.
    """

    def __init__(self, clock_s: Clock = time.monotonic) -> None:
        self.terms = Terms()
        self.credit_cents = PLAY_MONEY_CENTS
        self.sessions: dict[str, SessionEntry] = {}
        self.calls: deque[CallEntry] = deque(maxlen=_CALLS_KEPT)
        self._clock_s = clock_s

    @property
    def active(self) -> list[SessionEntry]:
        """Sessions that are being billed now."""
        return [entry for entry in self.sessions.values() if entry.status == ACTIVE]

    def begin(self, mode: str) -> SessionEntry:
        """Enters a new session, billed from now on."""
        entry = SessionEntry(
            session_id=f"ses_{secrets.token_hex(10)}",
            mode=mode,
            price_per_hour_usd=self.terms.prices_per_hour_usd[mode],
            max_duration_s=self.terms.max_duration_s,
            started_s=self._clock_s(),
            started_at=utc_now(),
        )
        self.sessions[entry.session_id] = entry
        return entry

    def end(self, entry: SessionEntry, by: str) -> bool:
        """Ends a session and deducts what it cost; whether it was active until now."""
        if entry.status == ENDED:
            return False
        entry.ended_s = self._clock_s()
        entry.ended_at = utc_now()
        entry.ended_by = by
        entry.deducted_cents = self.deduct(self.cost_usd(entry))
        return True

    def forget(self, entry: SessionEntry) -> None:
        """Strikes out a session that never came to be."""
        del self.sessions[entry.session_id]

    def billed_s(self, entry: SessionEntry) -> float:
        """For how long a session has been billed up to now, or was."""
        until_s = self._clock_s() if entry.ended_s is None else entry.ended_s
        duration_s = until_s - entry.started_s
        return min(duration_s, entry.max_duration_s) if entry.max_duration_s else duration_s

    def cost_usd(self, entry: SessionEntry) -> float:
        """What a session costs up to now, or did."""
        return self.billed_s(entry) / _HOUR_S * entry.price_per_hour_usd

    def deduct(self, usd: float) -> int:
        """Takes ``usd`` from the credit, rounded up to whole cents, which are returned."""
        # The tiny margin keeps a sum like 0.07 × 100 = 7.000000000000001 from costing a cent more.
        cents = math.ceil(usd * _CENTS - 1e-9)
        self.credit_cents -= cents
        return cents

    def note(self, method: str, path: str) -> CallEntry:
        """Enters a call that has just arrived."""
        entry = CallEntry(utc_now(), method[:_METHOD_SIGNS], path[:_PATH_SIGNS])
        self.calls.append(entry)
        return entry

    def called(self, method: str, path: str = "") -> list[CallEntry]:
        """The calls so far with this method, and whose path ends so."""
        return [call for call in self.calls if call.method == method and call.path.endswith(path)]

    def report(self) -> dict[str, Any]:
        """All of it as plain data for JSON."""
        return {
            "credit_cents": self.credit_cents,
            "terms": asdict(self.terms),
            "sessions": [self._session_report(entry) for entry in self.sessions.values()],
            "calls": [asdict(call) for call in self.calls],
        }

    def _session_report(self, entry: SessionEntry) -> dict[str, Any]:
        return {
            **asdict(entry),
            "status": entry.status,
            "billed_seconds": round(self.billed_s(entry), 3),
            "cost_usd": round(self.cost_usd(entry), 6),
        }


def utc_now() -> str:
    """Now, as ``2025-01-31T12:00:00.000Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
