"""Sessions in rooms that are real: the local Atlas's, or those of a LiveKit server."""

import asyncio
import time
from dataclasses import replace

from atlas_desktop.api.source import Mode, SessionSource
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.dependencies import SessionDependencies
from atlas_desktop.session.room.livekit_room import LiveKitRoom
from atlas_desktop.session.room_monitor import RoomMonitor

FASTER = 8


async def live(
    session: AtlasSession, source: SessionSource, mode: Mode = Mode.PASSTHROUGH, limit_s: float = 15
) -> None:
    """Starts ``session`` and waits until it is live."""
    session.start(source, mode)
    async with asyncio.timeout(limit_s):
        assert await session.wait_live()


def hasty_session() -> AtlasSession:
    """One whose awake clock runs eight times faster."""
    return AtlasSession(
        dependencies=replace(
            SessionDependencies.create(lambda _error: None), awake_s=lambda: time.monotonic() * FASTER
        )
    )


def session_with_rooms() -> tuple[AtlasSession, list[LiveKitRoom]]:
    """A session, and the rooms that it makes."""
    rooms: list[LiveKitRoom] = []
    dependencies = SessionDependencies.create(lambda _error: None)

    async def make_room(listener: RoomMonitor) -> LiveKitRoom:
        rooms.append(await dependencies.make_room(listener))
        return rooms[-1]

    return AtlasSession(dependencies=replace(dependencies, make_room=make_room)), rooms
