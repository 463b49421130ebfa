"""What we send: clips and the microphone, by the one feeder, into the one track that the mode has."""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

from atlas_desktop.aio import ErrorHandler, TaskScope
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AppError, NoMicrophoneError
from atlas_desktop.session.ports import RoomPort, Voice
from atlas_desktop.session.snapshot import MicState

if TYPE_CHECKING:
    from atlas_desktop.media.blocks import BlockReader
    from atlas_desktop.media.speaker import BlockSink, EventCallback

MicrophoneMaker = Callable[[int], "BlockReader"]
"""Opens the microphone; so many milliseconds of what it heard just before come first."""
TALK_PREROLL_MS = 150
"""Who presses a key to talk has begun to speak already: nothing of the first syllable is cut."""


class Hold(Enum):
    """Why nothing is spoken for a while, whatever the user wants."""

    UNHEARD = auto()
    """The connection is broken, or the avatar is not there."""
    MUTED = auto()
    """The room has muted our track."""


class FullSpeaker(Protocol):
    """A ``Feeder``, as it is used here: a ``Speaker`` with a sink and a microphone."""

    @property
    def playing(self) -> bool: ...

    @property
    def position_s(self) -> float: ...

    @property
    def current(self) -> "BlockReader | None": ...

    @property
    def microphone_open(self) -> bool: ...

    def play(self, reader: "BlockReader") -> None: ...

    def follow_with(self, reader: "BlockReader | None") -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def hold(self, unheard_from_us: int | None = None) -> None: ...

    def release(self) -> None: ...

    def seek(self, position_s: float) -> None: ...

    def interrupt(self) -> None: ...

    def on_event(self, callback: "EventCallback") -> Callable[[], None]: ...

    def attach(self, sink: "BlockSink") -> None: ...

    def detach(self) -> None: ...

    def set_microphone(self, reader: "BlockReader | None") -> None: ...


class Speech:
    """The outgoing voice of a session: published when it is first used, silent when idle.

    It is a ``Speaker``: what is played here before a session is live waits until then, and the first
    clip in passthrough brings up its track. Thread: the session's loop.

    Attributes:
        microphone_wanted: The user wants to be heard.
        on_resume: Called when the user lets a held clip go on.

    Args:
        feeder: Plays the clips and the microphone.
        scope: Owns the tasks that publish.
        on_notice: Told of what could not be spoken.
        on_change: Called when something began or ceased to be spoken.
    """

    def __init__(
        self, feeder: FullSpeaker, scope: TaskScope, on_notice: ErrorHandler, on_change: Callable[[], None]
    ) -> None:
        self.microphone_wanted = False
        self.on_resume: Callable[[], None] = lambda: None
        self._feeder = feeder
        self._scope = scope
        self._on_notice = on_notice
        self._on_change = on_change
        self._room: RoomPort | None = None
        self._mode = Mode.PASSTHROUGH
        self._make_microphone: MicrophoneMaker | None = None
        self._hearing = False
        self._talking = False
        self._quiet = False
        self._holds: set[Hold] = set()
        self._publishing: asyncio.Task[None] | None = None

    @property
    def playing(self) -> bool:
        return self._feeder.playing

    @property
    def position_s(self) -> float:
        return self._feeder.position_s

    @property
    def is_open(self) -> bool:
        """Whether a session is live, or was and is being mended."""
        return self._room is not None

    @property
    def is_talking(self) -> bool:
        """Whether the microphone is on only for as long as a key is held."""
        return self._talking

    @property
    def microphone(self) -> MicState:
        """Whether the user's voice goes out now."""
        if not self._hearing:
            return MicState.OFF
        return MicState.ON if self._feeder.microphone_open else MicState.MUTED_FOR_CLIP

    def play(self, reader: "BlockReader") -> None:
        if self._room is not None and self._mode is Mode.CONVERSATION:
            reader.close()
            raise RuntimeError("clips are spoken in passthrough only; switch the mode first")
        self._feeder.play(reader)
        self._bring_up()
        self._on_change()

    def follow_with(self, reader: "BlockReader | None") -> None:
        self._feeder.follow_with(reader)
        if self._feeder.current is not None:
            self._bring_up()

    def pause(self) -> None:
        self._feeder.pause()
        self._on_change()

    def resume(self) -> None:
        self._feeder.resume()
        self.on_resume()
        self._on_change()

    def seek(self, position_s: float) -> None:
        self._feeder.seek(position_s)

    def interrupt(self) -> None:
        self._feeder.interrupt()
        self._on_change()

    def on_event(self, callback: "EventCallback") -> Callable[[], None]:
        return self._feeder.on_event(callback)

    def is_held(self, cause: Hold) -> bool:
        """Whether ``cause`` keeps everything from being spoken."""
        return cause in self._holds

    def hold(self, cause: Hold, unheard_from_us: int | None = None) -> None:
        """Stops what is spoken until ``release``; what was sent after that time comes again then."""
        is_first = not self._holds
        self._holds.add(cause)
        if is_first:
            self._feeder.hold(unheard_from_us)
            self._on_change()

    def release(self, cause: Hold) -> None:
        """``cause`` is over; what was spoken goes on when it was the last one."""
        if cause not in self._holds:
            return
        self._holds.remove(cause)
        if not self._holds:
            self._feeder.release()
            self._on_change()

    def attach_microphone(self, make: MicrophoneMaker) -> None:
        """Sets what opens the microphone; it is called at the first use in each session."""
        self._make_microphone = make

    def set_microphone(self, on: bool, preroll_ms: int = 0) -> None:
        """Turns the microphone on or off; before the session is live, for when it is."""
        self.microphone_wanted = on
        self._talking = False
        if self._room is not None:
            self._follow_wish(preroll_ms)
        self._on_change()

    def set_quiet(self, on: bool) -> None:
        """Keeps the user from being heard for a while; the wish for the microphone stays as it is."""
        self._quiet = on
        if self._room is not None:
            self._follow_wish()
        self._on_change()

    def set_talking(self, on: bool) -> None:
        """Push to talk: the microphone is on while ``on``; one that is on already stays so."""
        if on and not self.microphone_wanted:
            self.set_microphone(True, TALK_PREROLL_MS)
            self._talking = True
        elif not on and self._talking:
            self.set_microphone(False)

    def prepare(self) -> None:
        """Brings the track of a live passthrough session up before anything is to be said."""
        if self._mode is Mode.PASSTHROUGH:
            self._bring_up()

    def open(self, room: RoomPort, mode: Mode) -> None:
        """The session is live: what waited is spoken now."""
        self._room = room
        self._mode = mode
        if self._mode is Mode.CONVERSATION:
            # The track is the microphone's: the agent would hear a clip that waited as the user's words.
            self._feeder.interrupt()
        elif self._feeder.current is not None:
            self._bring_up()
        self._follow_wish()

    def close(self) -> None:
        """The session ends: playback is cancelled, the microphone let go."""
        self._room = None
        self._publishing = None
        self._feeder.interrupt()
        self._feeder.set_microphone(None)
        self._feeder.detach()
        for cause in tuple(self._holds):
            self.release(cause)
        self._hearing = False
        self.microphone_wanted = False

    def _follow_wish(self, preroll_ms: int = 0) -> None:
        if self._quiet or not self.microphone_wanted:
            self._feeder.set_microphone(None)
            self._hearing = False
        elif not self._hearing:
            self._hear(preroll_ms)

    def _hear(self, preroll_ms: int) -> None:
        try:
            if self._make_microphone is None:
                raise NoMicrophoneError()
            reader = self._make_microphone(preroll_ms)
        except AppError as error:
            self.microphone_wanted = False
            self._on_notice(error)
            return
        self._feeder.set_microphone(reader)
        self._hearing = True
        self._bring_up()

    def _bring_up(self) -> None:
        """Publishes the track of the mode, unless it is up or on its way."""
        if self._room is not None and self._publishing is None:
            self._publishing = self._scope.start(self._publish(self._room), "publish")

    async def _publish(self, room: RoomPort) -> None:
        voice = Voice.TTS if self._mode is Mode.PASSTHROUGH else Voice.MICROPHONE
        try:
            sink = await room.publish(voice)
        except AppError as error:
            if self._room is room:
                self._publishing = None  # the next clip tries again
                if voice is Voice.MICROPHONE:
                    self.set_microphone(False)
                self._on_notice(error)
            return
        if self._room is room:
            self._feeder.attach(sink)
            self._on_change()
