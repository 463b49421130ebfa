"""The account of the local Atlas: its terms, its credit, every session and its bill, every call."""

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
"""A rehearsal is free: enough for a thousand hours, and only displayed."""

_HOUR_S = 3600.0
_CENTS = 100
_CALLS_KEPT = 10_000  # a rehearsal of hours; older ones are dropped
# Any client can send a method and path of any length.
_METHOD_CHARS = 16
_PATH_CHARS = 200

Clock = Callable[[], float]


@dataclass(slots=True)
class ServiceTerms:
    """What the service offers, and its prices. Changes apply to sessions created afterwards.

    Attributes:
        prices_per_hour_usd: By mode.
        pricing: Text of a create's response; empty: derived from the price.
        modes: The modes on offer.
        max_duration_s: When a session is ended; ``None``: never.
        capacity: Maximum number of active sessions.
        requests_per_minute: Rate limit of authenticated calls; 0: none.
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
        """Return the ``pricing`` of a create's response."""
        return self.pricing or f"${self.prices_per_hour_usd[mode]:g}/hour, billed by the second"


@dataclass(slots=True)
class SessionRecord:
    """One session; seconds are of the store's own clock, ``…_at`` is UTC as ISO 8601 text."""

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
class CallRecord:
    """One request without query, headers or body. ``status`` stays 0 if it is never answered."""

    at: str
    method: str
    path: str
    status: int = 0
    took_ms: float = 0.0


class AccountStore:
    """Sessions, calls and credit, in memory. Thread: the event loop's; others may read.

    Args:
        clock_s: A monotonic clock.
    """

    def __init__(self, clock_s: Clock = time.monotonic) -> None:
        self.terms = ServiceTerms()
        self.credit_cents = PLAY_MONEY_CENTS
        self.sessions: dict[str, SessionRecord] = {}
        self.calls: deque[CallRecord] = deque(maxlen=_CALLS_KEPT)
        self._clock_s = clock_s

    @property
    def active(self) -> list[SessionRecord]:
        """Sessions that are being billed now."""
        return [record for record in self.sessions.values() if record.status == ACTIVE]

    @property
    def is_full(self) -> bool:
        """Whether as many sessions are active as there is capacity for."""
        return len(self.active) >= self.terms.capacity

    def begin(self, mode: str) -> SessionRecord:
        """Add a session, billed from now on."""
        record = SessionRecord(
            session_id=f"ses_{secrets.token_hex(10)}",
            mode=mode,
            price_per_hour_usd=self.terms.prices_per_hour_usd[mode],
            max_duration_s=self.terms.max_duration_s,
            started_s=self._clock_s(),
            started_at=utc_now(),
        )
        self.sessions[record.session_id] = record
        return record

    def end(self, record: SessionRecord, by: str) -> bool:
        """End a session and deduct its cost; whether it was active until now."""
        if record.status == ENDED:
            return False
        record.ended_s = self._clock_s()
        record.ended_at = utc_now()
        record.ended_by = by
        record.deducted_cents = self.deduct(self.cost_usd(record))
        return True

    def discard(self, record: SessionRecord) -> None:
        """Remove a session whose creation failed."""
        del self.sessions[record.session_id]

    def billed_s(self, record: SessionRecord) -> float:
        """Return the billed duration of a session up to now."""
        until_s = self._clock_s() if record.ended_s is None else record.ended_s
        duration_s = until_s - record.started_s
        return min(duration_s, record.max_duration_s) if record.max_duration_s else duration_s

    def cost_usd(self, record: SessionRecord) -> float:
        """Return the cost of a session up to now."""
        return self.billed_s(record) / _HOUR_S * record.price_per_hour_usd

    def deduct(self, usd: float) -> int:
        """Deduct ``usd`` from the credit, rounded up to whole cents; return the cents."""
        # The margin keeps a sum like 0.07 × 100 = 7.000000000000001 from costing a cent more.
        cents = math.ceil(usd * _CENTS - 1e-9)
        self.credit_cents -= cents
        return cents

    def record_call(self, method: str, path: str) -> CallRecord:
        """Add a call that has just arrived."""
        record = CallRecord(utc_now(), method[:_METHOD_CHARS], path[:_PATH_CHARS])
        self.calls.append(record)
        return record

    def called(self, method: str, path: str = "") -> list[CallRecord]:
        """Return the calls with this method whose path ends with ``path``."""
        return [call for call in self.calls if call.method == method and call.path.endswith(path)]

    def report(self) -> dict[str, Any]:
        """Return everything as plain data for JSON."""
        return {
            "credit_cents": self.credit_cents,
            "terms": asdict(self.terms),
            "sessions": [self._session_report(record) for record in self.sessions.values()],
            "calls": [asdict(call) for call in self.calls],
        }

    def _session_report(self, record: SessionRecord) -> dict[str, Any]:
        return {
            **asdict(record),
            "status": record.status,
            "billed_seconds": round(self.billed_s(record), 3),
            "cost_usd": round(self.cost_usd(record), 6),
        }


def utc_now() -> str:
    """Return the current time as ``2025-01-31T12:00:00.000Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
