"""What a session is made of besides itself: objects that outlive the single server sessions."""

from __future__ import annotations

import asyncio

# Here and not by whoever comes first: its modules import each other in a circle, and two threads that enter
# it at once, LiveKit's and the keyring's, break off.
import importlib.resources  # noqa: F401
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from atlas_desktop.aio import ErrorHandler
from atlas_desktop.clock import lasting_s
from atlas_desktop.media.lipsync import LipSync
from atlas_desktop.session.ports import RoomListener, RoomPort
from atlas_desktop.session.speech import FullSpeaker

if TYPE_CHECKING:
    from atlas_desktop.media.feeds import AudioFeed, SoundSink, VideoFeed
    from atlas_desktop.media.playout import Playout

RoomMaker = Callable[[RoomListener], Coroutine[Any, Any, RoomPort]]


class Feeder(FullSpeaker, Protocol):
    """What speaks, and is closed at the program's end."""

    def close(self) -> None: ...


class SoundOutput(Protocol):
    """What plays the avatar's sound in another process: the window's sound client."""

    @property
    def sink(self) -> SoundSink: ...

    @property
    def playout(self) -> Playout: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The stable objects of a session, and what makes its rooms.

    Attributes:
        clock_s: The clock of cost and limits: monotonic, and counts sleep.
        awake_s: A monotonic clock that does not count sleep, where the platform has one.
    """

    video: VideoFeed
    audio: AudioFeed
    playout: Playout
    feeder: Feeder
    make_room: RoomMaker
    clock_s: Callable[[], float] = lasting_s
    awake_s: Callable[[], float] = time.monotonic
    lip_sync: LipSync = field(default_factory=LipSync)

    @classmethod
    def real(cls, on_error: ErrorHandler, output: SoundOutput | None = None) -> Parts:
        """The parts that a program uses. Imports numpy, but not yet LiveKit."""
        from atlas_desktop.media.feeder import Feeder
        from atlas_desktop.media.feeds import AudioFeed, VideoFeed
        from atlas_desktop.media.playout import PlayoutControl

        video, feeder = VideoFeed(), Feeder(on_error=on_error)
        audio = AudioFeed(output.sink if output is not None else None)
        playout = output.playout if output is not None else PlayoutControl()

        async def make_room(listener: RoomListener) -> RoomPort:
            await asyncio.to_thread(load_livekit)
            from atlas_desktop.session.room import AtlasRoom

            return AtlasRoom(listener, video, audio, lambda: feeder.loop)

        return cls(video, audio, playout, feeder, make_room)


def load_livekit() -> None:
    """Imports LiveKit and its native library: half a second that must not be the window's."""
    import atlas_desktop.session.room  # noqa: F401
