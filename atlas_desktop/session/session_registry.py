"""What every guard has to know, held by the app for the next one: sources and sessions."""

from dataclasses import asdict, dataclass
from datetime import datetime

from atlas_desktop.api.access import Access
from atlas_desktop.api.guard_protocol import EndReason, Frame
from atlas_desktop.api.limits import SpendingLimits, cost_usd
from atlas_desktop.api.pricing import FALLBACK_PER_HOUR_USD
from atlas_desktop.api.source import Mode, SessionGrant
from atlas_desktop.clock import boottime_s
from atlas_desktop.errors import SessionIdLostAtMostError, SessionIdLostError


@dataclass(slots=True)
class RegisteredSession:
    """A session that was granted and has not ended.

    Attributes:
        source: Its source's name.
        limits: The newest.
        granted_s: When, by the clock that counts sleep.
        price_per_hour_usd: As granted; ``None`` where it is not known.
        max_duration_s: The same.
        stopped: Why a guard ended it, where the service has not confirmed that.
    """

    source: str
    limits: SpendingLimits
    granted_s: float
    price_per_hour_usd: float | None = None
    max_duration_s: float | None = None
    stopped: EndReason | None = None

    def adopt_order(self, session_id: str) -> Frame:
        """Return the order that has another guard hold it."""
        return {
            "op": "adopt",
            "source": self.source,
            "session_id": session_id,
            "limits": asdict(self.limits),
            "ran_s": boottime_s() - self.granted_s,
            "price_per_hour_usd": self.price_per_hour_usd,
            "max_duration_s": self.max_duration_s,
        }


class SessionRegistry:
    """What every guard has to know: the sources by name, and the sessions that are held.

    Attributes:
        sessions: By their ids.
        requested: How many sessions are being requested.
        wants_leftovers: Whether a guard looks for what earlier runs left open.
    """

    def __init__(self) -> None:
        self.sessions: dict[str, RegisteredSession] = {}
        self.requested = 0
        self.wants_leftovers = False
        # Secrets go over the guard's pipe only.
        self._names: dict[Access, str] = {}
        self._terms: dict[tuple[str, Mode], tuple[float | None, float | None]] = {}

    @property
    def is_needed(self) -> bool:
        """Whether anything depends on a guard."""
        return bool(self.sessions or self.requested)

    @property
    def accesses(self) -> dict[str, Access]:
        """The sources that are known, by name."""
        return {name: access for access, name in self._names.items()}

    def name_of(self, access: Access) -> str:
        """Return the name of a source; the same one for the same access."""
        return self._names.setdefault(access, f"source-{len(self._names) + 1}")

    def take_end(self, session_id: str, reason: EndReason, *, confirmed: bool) -> None:
        """Note that a session was ended: it is held until that is confirmed."""
        if confirmed:
            self.sessions.pop(session_id, None)
        elif session_id in self.sessions:
            self.sessions[session_id].stopped = reason

    def add(self, grant: SessionGrant, source: str, limits: SpendingLimits) -> None:
        """Hold the session of ``grant`` from now on."""
        price, max_s = grant.price_per_hour_usd, grant.max_duration_s
        self._terms[source, grant.mode] = price, max_s
        self.sessions[grant.session_id] = RegisteredSession(source, limits, boottime_s(), price, max_s)

    def lost_error(self, source: str, mode: Mode) -> SessionIdLostError:
        """Return what is known of a session whose guard died before it could tell the id."""
        access = self.accesses[source]
        price, max_s = self._terms.get((source, mode), (None, None))
        price = FALLBACK_PER_HOUR_USD[mode] if price is None else price
        known = {
            "host": access.host,
            "per_hour_usd": price,
            "asked_at": f"{datetime.now().astimezone():%H:%M:%S}",
        }
        if max_s is None:
            return SessionIdLostError(**known)
        return SessionIdLostAtMostError(**known, most_usd=cost_usd(max_s, price))
