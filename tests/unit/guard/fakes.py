"""Stand-ins for what the guard works with: a service with faults to order, clocks that are set by hand."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from atlas_desktop.api.access import Access
from atlas_desktop.api.guard_protocol import Frame
from atlas_desktop.api.http_source import HttpSource
from atlas_desktop.api.limits import SpendingLimits, Terms
from atlas_desktop.api.source import (
    EndReceipt,
    Face,
    IdCallback,
    Mode,
    SessionGrant,
    SessionStatus,
    SourceKind,
)
from atlas_desktop.errors import JournalError
from atlas_desktop.guard.journal_writer import JournalWriter
from atlas_desktop.guard.managed_session import ManagedSession, OpenedSource, SourceRegistry
from atlas_desktop.guard.orphan_recovery import RecoveryTimeouts
from atlas_desktop.guard.service import SessionService
from atlas_desktop.guard.session_store import SessionStore
from atlas_desktop.guard.termination import RetryPolicy
from atlas_desktop.storage.billing_entry import BillingEntry
from atlas_desktop.storage.billing_journal import BillingJournal

ADDRESS = "https://atlas.example"
KEY = "ak_secret_0123456789"
QUICK = RetryPolicy((0.5,), (0.01,), (0.05,))
LIMITS = {"session_usd": 5.0, "session_s": 3600.0, "day_usd": 20.0, "idle_s": 600.0, "hang_s": 30.0}
LOST = "ses_0123456789abcdef0123"


class Clock:
    """All clocks of a guard. ``sleep`` is a night: the steady clock stands still."""

    def __init__(self) -> None:
        self.boottime_s = 1000.0
        self.steady_s = 500.0
        self.wall = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)

    def pass_s(self, seconds: float) -> None:
        self.steady_s += seconds
        self.sleep_s(seconds)

    def sleep_s(self, seconds: float) -> None:
        self.boottime_s += seconds
        self.wall += timedelta(seconds=seconds)


@dataclass
class FakeService:
    """What all sources of a test talk to. Each call takes the next ordered outcome, if there is one.

    Attributes:
        useless: What comes of the rest of a create's answer, behind the id.
    """

    calls: list[str] = field(default_factory=list)
    open_sessions: list[str] = field(default_factory=list)
    create_outcomes: list[Exception] = field(default_factory=list)
    create_gate: asyncio.Event | None = None
    end_outcomes: list[Exception | EndReceipt] = field(default_factory=list)
    end_gate: asyncio.Event | None = None
    status_outcomes: list[Exception | str] = field(default_factory=list)
    opened: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    max_duration_s: float | None = None
    reused_id: str = ""
    useless: Exception | None = None
    closed: int = 0
    warmed: int = 0
    faces: list[Face] = field(default_factory=list)

    def factory(self, access: Access, own_ids: Iterable[str] = ()) -> HttpSource:
        self.opened.append((access.secret, access.address, tuple(own_ids)))
        return cast(HttpSource, FakeSource(self))

    @property
    def ends(self) -> int:
        return sum(call.startswith("end") for call in self.calls)


class FakeSource:
    """A source of the service."""

    label = "atlas.example"
    billed = True
    retries_end = False

    def __init__(self, service: FakeService) -> None:
        self.service = service

    async def create(self, mode: Mode, face: Face | None, on_id: IdCallback | None = None) -> SessionGrant:
        service = self.service
        service.calls.append("create")
        service.faces += [face] if face is not None else []
        if service.create_gate is not None:
            await service.create_gate.wait()
        if service.create_outcomes:
            raise service.create_outcomes.pop(0)
        session_id = service.reused_id or f"ses_{service.calls.count('create'):020x}"
        service.open_sessions.append(session_id)
        if on_id is not None:
            on_id(session_id)
        if service.useless is not None:
            raise service.useless
        return SessionGrant(session_id, "wss://room", "token", "room", mode, service.max_duration_s, 7.2)

    async def end(self, session_id: str) -> EndReceipt:
        service = self.service
        service.calls.append(f"end {session_id}")
        if service.end_gate is not None:
            await service.end_gate.wait()
        if service.end_outcomes:
            outcome = service.end_outcomes.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return replace(outcome, session_id=session_id)
        if session_id in service.open_sessions:
            service.open_sessions.remove(session_id)
        return EndReceipt(session_id, confirmed=True, duration_s=50.0, cost_usd=0.1)

    async def status(self, session_id: str) -> SessionStatus:
        self.service.calls.append(f"status {session_id}")
        outcome = self.service.status_outcomes.pop(0) if self.service.status_outcomes else "active"
        if isinstance(outcome, Exception):
            raise outcome
        return SessionStatus(session_id, outcome, 60.0, None)

    def keep_warm(self) -> None:
        self.service.warmed += 1

    async def aclose(self) -> None:
        self.service.closed += 1


def managed(
    service: FakeService, clock: Clock, limits: SpendingLimits, terms: Terms | None = None
) -> ManagedSession:
    """``ses_1``, granted just now; the journal does not know it."""
    source, now_s = cast(HttpSource, FakeSource(service)), clock.boottime_s
    opened = OpenedSource(Access(SourceKind.ATLAS, KEY, ADDRESS), source)
    return ManagedSession(
        "ses_1", opened, source, "", limits, terms or Terms(), now_s, clock.wall, now_s, now_s
    )


class StoreBench:
    """A store without sessions, and all that it works with."""

    def __init__(self, folder: Path, policy: RetryPolicy | None = None) -> None:
        self.service = FakeService(open_sessions=["ses_1"])
        self.clock = Clock()
        self.events: list[Frame] = []
        self.journal = JournalWriter(FakeJournal(folder / "sessions.jsonl"), self.events.append)
        sources = SourceRegistry(self.service.factory, keep_warm=False)
        self.store = SessionStore(
            self.journal,
            sources,
            self.events.append,
            lambda: self.clock.boottime_s,
            lambda: self.clock.wall,
            policy or QUICK,
        )

    def session(self, limits: SpendingLimits | None = None, terms: Terms | None = None) -> ManagedSession:
        return managed(self.service, self.clock, limits or SpendingLimits(), terms)

    def published(self, name: str) -> list[Frame]:
        return [event for event in self.events if event["event"] == name]


class FakeJournal(BillingJournal):
    """A journal whose disk can be full."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.full = False

    def append(self, record: dict[str, Any], *, durable: bool = True) -> None:
        if self.full:
            raise JournalError(detail="No space left on device")
        super().append(record, durable=durable)


class Desk:
    """A guard's service, and all that it works with."""

    def __init__(self, folder: Path, service: FakeService | None = None, clock: Clock | None = None) -> None:
        self.service = service or FakeService()
        self.clock = clock or Clock()
        self.journal = FakeJournal(folder / "sessions.jsonl")
        self.guards_folder = folder / "guards"
        self.events: list[Frame] = []
        self.guard = SessionService(
            self.journal,
            self.guards_folder,
            self.events.append,
            self.service.factory,
            lambda: self.clock.boottime_s,
            lambda: self.clock.steady_s,
            lambda: self.clock.wall,
            QUICK,
            RecoveryTimeouts(locked_s=0.02, unknown_s=120.0, again_s=0.05),
        )

    async def open(self, name: str = "atlas", secret: str = KEY) -> None:
        order = {"op": "open", "source": name, "kind": "atlas", "address": ADDRESS, "secret": secret}
        assert await self.guard.handle(order) == {}

    async def create(self, content: bytes = b"", **fields: Any) -> Frame:
        order = {"source": "atlas", "mode": "conversation", "limits": LIMITS, "face": None, **fields}
        return await self.guard.handle({"op": "create", **order}, content)

    async def successor(self, folder: Path) -> "Desk":
        """The guard that comes after this one, which is as good as dead; ``folder`` is this one's."""
        successor = Desk(folder, self.service, self.clock)
        await successor.open()
        return successor

    async def order(self, op: str, session_id: str, **fields: Any) -> Frame:
        return await self.guard.handle({"op": op, "source": "atlas", "session_id": session_id, **fields})

    async def end(self, session_id: str, why: str = "asked") -> Frame:
        return await self.order("end", session_id, why=why)

    def entries(self) -> list[BillingEntry]:
        return self.journal.entries()

    def entry(self) -> BillingEntry:
        (entry,) = self.entries()
        return entry

    def told(self, name: str) -> list[Frame]:
        return [event for event in self.events if event["event"] == name]


async def settle(until: Callable[[], object], limit_s: float = 20.0) -> None:
    async with asyncio.timeout(limit_s):
        while not until():
            await asyncio.sleep(0.002)
