"""Stand-ins for what a session is made of, with faults to order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from atlas_desktop.api.source import EndReceipt, Face, IdCallback, Mode, SessionGrant, SessionStatus
from atlas_desktop.media.feeds import AudioFeed, VideoFeed
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.parts import Parts
from atlas_desktop.session.ports import RoomListener, RoomPort, RoomStatistics, Voice

SESSION_ID = "ses_0123456789abcdef0123"


class FakeSource:
    """A ``SessionSource``: each call takes the next ordered outcome, an error or a wait."""

    label = "fake.example"

    def __init__(self, *, billed: bool = True) -> None:
        self.billed = billed
        self.calls: list[str] = []
        self.create_errors: list[Exception] = []
        self.create_gate: asyncio.Event | None = None
        self.end_outcomes: list[Exception | EndReceipt] = []
        self.end_gate: asyncio.Event | None = None
        self.open_sessions: list[str] = []
        self.modes: list[Mode] = []
        self.faces: list[Face | None] = []
        self.max_duration_s: float | None = None

    async def create(self, mode: Mode, face: Face | None, on_id: IdCallback | None = None) -> SessionGrant:
        self.calls.append("create")
        if self.create_gate is not None:
            await self.create_gate.wait()
        if self.create_errors:
            raise self.create_errors.pop(0)
        self.modes.append(mode)
        self.faces.append(face)
        session_id = f"ses_{len(self.modes):020x}"
        self.open_sessions.append(session_id)
        return SessionGrant(
            session_id, "ws://room", "token", "room", mode, self.max_duration_s, 7.0 if self.billed else None
        )

    async def end(self, session_id: str) -> EndReceipt:
        self.calls.append(f"end {session_id}")
        if self.end_gate is not None:
            await self.end_gate.wait()
        if self.end_outcomes:
            outcome = self.end_outcomes.pop(0)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome
        # Asked again, it says the same: already ended counts as ended.
        self.open_sessions[:] = [one for one in self.open_sessions if one != session_id]
        return EndReceipt(session_id, confirmed=True, duration_s=12.0, cost_usd=0.02)

    async def patch_face(self, session_id: str, face: Face) -> None:
        raise NotImplementedError

    async def status(self, session_id: str) -> SessionStatus:
        raise NotImplementedError

    async def viewer(self, session_id: str) -> SessionGrant:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.calls.append("aclose")

    @property
    def ends(self) -> int:
        return sum(call.startswith("end") for call in self.calls)


class FakeSink:
    async def write(self, block: object) -> None: ...

    def clear(self) -> None: ...


class FakeRoom:
    """A ``RoomPort`` that shows its picture at once, unless told otherwise."""

    def __init__(self, listener: RoomListener, bench: Bench) -> None:
        self.listener = listener
        self.bench = bench
        self.calls: list[str] = []
        self.sent: list[bytes] = []
        self.join_cancelled = False

    async def join(self, grant: SessionGrant) -> None:
        self.calls.append("join")
        try:
            if self.bench.join_gate is not None:
                await self.bench.join_gate.wait()
        except asyncio.CancelledError:
            self.join_cancelled = True
            raise
        if self.bench.join_error is not None:
            raise self.bench.join_error
        if self.bench.picture_at_once:
            self.bench.show()

    async def publish(self, voice: Voice) -> Any:
        self.calls.append(f"publish {voice.value}")
        if self.bench.publish_errors:
            raise self.bench.publish_errors.pop(0)
        return FakeSink()

    def unmute(self) -> None:
        self.calls.append("unmute")
        if self.bench.unmutes:
            self.listener.voice_muted(False)

    def refresh_picture(self) -> None:
        self.calls.append("refresh picture")

    async def wait_heard(self) -> None:
        self.calls.append("wait heard")

    async def send(self, payload: bytes) -> None:
        if self.bench.send_gate is not None:
            await self.bench.send_gate.wait()
        if self.bench.send_errors:
            raise self.bench.send_errors.pop(0)
        self.sent.append(payload)

    async def statistics(self) -> RoomStatistics:
        return self.bench.statistics

    async def leave(self) -> None:
        self.calls.append("leave")
        if self.bench.leave_gate is not None:
            await self.bench.leave_gate.wait()


class FakeReader:
    """A ``BlockReader`` that never ends."""

    def __init__(self, preroll_ms: int = 0) -> None:
        self.preroll_ms = preroll_ms
        self.closed = False
        self.finished = False
        self.error: Exception | None = None

    def read(self) -> None:
        return None

    def close(self) -> None:
        self.closed = True


class FakeFeeder:
    """A feeder without a thread: it only remembers."""

    def __init__(self) -> None:
        self.current: Any = None
        self.following: Any = None
        self.paused = False
        self.held = False
        self.unheard_from_us: int | None = None
        self.sink: Any = None
        self.microphone: Any = None
        self.closed = False
        self.position_s = 0.0
        self.sought_s: float | None = None
        self.interrupt_error: Exception | None = None
        self.callback: Callable[[Any], None] | None = None

    @property
    def playing(self) -> bool:
        return self.current is not None and not self.paused and not self.held

    @property
    def microphone_open(self) -> bool:
        return self.microphone is not None and not self.playing

    def play(self, reader: Any) -> None:
        self.current = reader

    def follow_with(self, reader: Any) -> None:
        if self.current is None:
            self.current = reader
        else:
            self.following = reader

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def hold(self, unheard_from_us: int | None = None) -> None:
        self.held = True
        self.unheard_from_us = unheard_from_us

    def release(self) -> None:
        self.held = False

    def seek(self, position_s: float) -> None:
        self.sought_s = position_s

    def interrupt(self) -> None:
        if self.interrupt_error is not None:
            raise self.interrupt_error
        self.current = self.following = None

    def set_microphone(self, reader: Any) -> None:
        self.microphone = reader

    def attach(self, sink: Any) -> None:
        self.sink = sink

    def detach(self) -> None:
        self.sink = None

    def on_event(self, callback: Callable[[Any], None]) -> Callable[[], None]:
        self.callback = callback
        return lambda: None

    def close(self) -> None:
        self.closed = True


class FakePlayout:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def close(self) -> None:
        self.calls.append("close")

    def open(self) -> None:
        self.calls.append("open")

    def hold(self) -> None:
        self.calls.append("hold")

    def release(self) -> None:
        self.calls.append("release")


@dataclass
class Bench:
    """The parts of a session under test, and the faults of its rooms."""

    video: VideoFeed = field(default_factory=VideoFeed)
    audio: AudioFeed = field(default_factory=AudioFeed)
    playout: FakePlayout = field(default_factory=FakePlayout)
    feeder: FakeFeeder = field(default_factory=FakeFeeder)
    rooms: list[FakeRoom] = field(default_factory=list)
    picture_at_once: bool = True
    join_gate: asyncio.Event | None = None
    join_error: Exception | None = None
    leave_gate: asyncio.Event | None = None
    unmutes: bool = True
    awake_s: Callable[[], float] = time.monotonic
    publish_errors: list[Exception] = field(default_factory=list)
    send_errors: list[Exception] = field(default_factory=list)
    send_gate: asyncio.Event | None = None
    statistics: RoomStatistics = field(default_factory=lambda: RoomStatistics(round_trip_ms=32.0))

    @property
    def room(self) -> FakeRoom:
        return self.rooms[-1]

    def parts(self) -> Parts:
        async def make_room(listener: RoomListener) -> RoomPort:
            self.rooms.append(FakeRoom(listener, self))
            return self.room

        return Parts(
            self.video,
            self.audio,
            cast(Any, self.playout),
            cast(Any, self.feeder),
            make_room,
            awake_s=self.awake_s,
        )

    def show(self) -> None:
        """One frame of picture arrives."""
        import numpy as np

        from atlas_desktop.clock import monotonic_us
        from atlas_desktop.media.frames import I420Frame

        self.video.offer(I420Frame(np.zeros(6, np.uint8), 2, 2, received_us=monotonic_us()))


async def settle(until: Callable[[], object], limit_s: float = 20.0) -> None:
    async with asyncio.timeout(limit_s):
        while not until():
            await asyncio.sleep(0.002)


async def live(session: AtlasSession, source: FakeSource, mode: Mode = Mode.PASSTHROUGH) -> None:
    session.start(source, mode)
    async with asyncio.timeout(20):
        assert await session.wait_live()
