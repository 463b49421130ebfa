"""What a session is built from: objects that outlive the single server sessions, and the room's factory."""

from __future__ import annotations

import asyncio

# Imported here rather than where it is first needed: its modules import each other in a circle, and two
# threads that enter it at once (LiveKit's import and the keyring's) fail.
import importlib.resources  # noqa: F401
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from atlas_desktop.aio import ErrorHandler
from atlas_desktop.clock import boottime_s
from atlas_desktop.media.lipsync import LipSync

if TYPE_CHECKING:
    from atlas_desktop.media.feeder import Feeder
    from atlas_desktop.media.feeds import AudioFeed, SoundSink, VideoFeed
    from atlas_desktop.media.playout import Playout
    from atlas_desktop.session.room.livekit_room import LiveKitRoom
    from atlas_desktop.session.room_monitor import RoomMonitor

RoomFactory = Callable[["RoomMonitor"], Coroutine[Any, Any, "LiveKitRoom"]]


@dataclass(frozen=True, slots=True)
class SessionDependencies:
    """The long-lived objects of a session, and the factory of its rooms.

    Attributes:
        clock_s: The clock of cost and limits: monotonic, and counts sleep.
        awake_s: A monotonic clock that does not count sleep, where the platform has one.
    """

    video: VideoFeed
    audio: AudioFeed
    playout: Playout
    feeder: Feeder
    make_room: RoomFactory
    clock_s: Callable[[], float] = boottime_s
    awake_s: Callable[[], float] = time.monotonic
    lip_sync: LipSync = field(default_factory=LipSync)

    @classmethod
    def create(
        cls, on_error: ErrorHandler, sound_sink: SoundSink | None = None, playout: Playout | None = None
    ) -> SessionDependencies:
        """Create those of the program. Imports numpy, but not yet LiveKit.

        Args:
            on_error: Called with errors of the media threads.
            sound_sink: Takes the avatar's sound where another process plays it.
            playout: Volume and mute there; by default of this process.
        """
        from atlas_desktop.media.feeder import Feeder
        from atlas_desktop.media.feeds import AudioFeed, VideoFeed
        from atlas_desktop.media.playout import PlayoutControl

        video, audio, feeder = VideoFeed(), AudioFeed(sound_sink), Feeder(on_error=on_error)

        async def make_room(listener: RoomMonitor) -> LiveKitRoom:
            await asyncio.to_thread(load_livekit)
            from atlas_desktop.session.room.livekit_room import LiveKitRoom

            return LiveKitRoom(listener, video, audio, lambda: feeder.loop)

        return cls(video, audio, playout or PlayoutControl(), feeder, make_room)


def load_livekit() -> None:
    """Import LiveKit and its native library: half a second that must not block the window."""
    import atlas_desktop.session.room.livekit_room  # noqa: F401
