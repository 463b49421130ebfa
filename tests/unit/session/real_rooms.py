"""Sessions in rooms that are real: the local Atlas's, or those of a LiveKit server."""

import asyncio
import time
from dataclasses import replace

from atlas_desktop.api.source import Mode, SessionSource
from atlas_desktop.session import AtlasSession
from atlas_desktop.session.parts import Parts
from atlas_desktop.session.ports import RoomListener, RoomPort

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
        parts=replace(Parts.real(lambda _error: None), awake_s=lambda: time.monotonic() * FASTER)
    )


def session_with_rooms() -> tuple[AtlasSession, list[RoomPort]]:
    """A session, and the rooms that it makes."""
    rooms: list[RoomPort] = []
    parts = Parts.real(lambda _error: None)

    async def make_room(listener: RoomListener) -> RoomPort:
        rooms.append(await parts.make_room(listener))
        return rooms[-1]

    return AtlasSession(parts=replace(parts, make_room=make_room)), rooms
