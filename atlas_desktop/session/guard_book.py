"""What every guard has to know, kept by the app so that the next one can be told: sources and sessions."""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import asdict, dataclass

from atlas_desktop.api.access import Access
from atlas_desktop.api.limits import SpendingLimits
from atlas_desktop.api.orders import Frame, Why
from atlas_desktop.clock import lasting_s
from atlas_desktop.errors import AppError, GuardLostError
from atlas_desktop.session.guard_line import Line

log = logging.getLogger(__name__)


@dataclass(slots=True)
class HeldSession:
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
    stopped: Why | None = None


class GuardBook:
    """Sources by name, and the sessions that are held. Thread: one event loop.

    Attributes:
        held: By their ids.
    """

    def __init__(self) -> None:
        self.held: dict[str, HeldSession] = {}
        # Secrets go over the guard's pipe only.
        self._openings: dict[Access, str] = {}
        self._opened: set[tuple[Line, str]] = set()
        self._lock = asyncio.Lock()

    def name_of(self, access: Access) -> str:
        """The name of a source; the same one for the same access."""
        return self._openings.setdefault(access, f"source-{len(self._openings) + 1}")

    def take_stop(self, session_id: str, why: Why, *, confirmed: bool) -> None:
        """A session was ended: it is held until that is confirmed."""
        if confirmed:
            self.held.pop(session_id, None)
        elif session_id in self.held:
            self.held[session_id].stopped = why

    async def open_on(self, line: Line, name: str) -> None:
        """Has a source opened on ``line``, once.

        Raises:
            GuardLostError: The guard died over it.
            AppError: It can't be opened: a key would be sent in the clear.
        """
        async with self._lock:
            if (line, name) not in self._opened:
                access = next(one for one, known in self._openings.items() if known == name)
                await line.ask({"op": "open", "source": name, **asdict(access)})
                self._opened.add((line, name))

    async def tell_all(self, line: Line) -> None:
        """Tells a new guard everything: it goes on where another died.

        Raises:
            GuardLostError: It died over it.
        """
        self._opened.clear()
        await self._open_all(line)
        for session_id, held in tuple(self.held.items()):
            await _tried(line.ask(_adopt(session_id, held)))

    async def ask_leftovers(self, line: Line) -> None:
        """Has ``line`` look for what earlier runs left open, with every source that is known."""
        try:
            await self._open_all(line)
            await line.ask({"op": "leftovers"})
        except GuardLostError:
            log.info("the next guard looks for leftovers")

    async def _open_all(self, line: Line) -> None:
        for name in tuple(self._openings.values()):
            await _tried(self.open_on(line, name))


def _adopt(session_id: str, held: HeldSession) -> Frame:
    return {
        "op": "adopt",
        "source": held.source,
        "session_id": session_id,
        "limits": asdict(held.limits),
        "ran_s": lasting_s() - held.granted_s,
        "price_per_hour_usd": held.price_per_hour_usd,
        "max_duration_s": held.max_duration_s,
    }


async def _tried(work: Awaitable[object]) -> None:
    try:
        await work
    except GuardLostError:
        raise
    except AppError as error:
        # Whoever needs it finds out; the rest is no worse for it.
        log.info("the guard did not take all that it was told: %s", error)
