"""What we send: clips and the microphone, through one feeder, into the one track of the session's mode."""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from atlas_desktop.aio import ErrorHandler, TaskScope
from atlas_desktop.api.source import Mode
from atlas_desktop.errors import AppError, NoMicrophoneError
from atlas_desktop.session.snapshot import MicState

if TYPE_CHECKING:
    from atlas_desktop.media.blocks import BlockReader
    from atlas_desktop.media.feeder import Feeder
    from atlas_desktop.media.speaker import ClipEvent, EventCallback
    from atlas_desktop.session.room.livekit_room import LiveKitRoom

MicrophoneFactory = Callable[[int], "BlockReader"]
"""Opens the microphone, with so many milliseconds of what it recorded just before."""
TALK_PREROLL_MS = 150
"""Users start to speak before they press the key: the first syllable is not cut."""


class HoldReason(Enum):
    """Why nothing is spoken for a while, whatever the user wants."""

    UNHEARD = auto()
    """The connection is broken, or the avatar is not there."""
    MUTED = auto()
    """The room has muted our track."""


class SpeechOutput:
    """The outgoing voice of a session: published when it is first used, silent when idle.

    It is a ``Speaker``: what is played here before a session is live waits until then, and the first
    clip in passthrough publishes its track. Thread: the session's loop.

    Attributes:
        microphone_wanted: The user wants to be heard.

    Args:
        feeder: Plays the clips and the microphone.
        scope: Owns the tasks that publish.
        on_notice: Called with what could not be spoken.
        on_change: Called when something started or stopped being spoken.
        on_resume: Called when the user resumes a held clip.
    """

    def __init__(
        self,
        feeder: "Feeder",
        scope: TaskScope,
        on_notice: ErrorHandler,
        on_change: Callable[[], None],
        on_resume: Callable[[], None],
    ) -> None:
        self.microphone_wanted = False
        self._feeder = feeder
        self._scope = scope
        self._on_notice = on_notice
        self._on_change = on_change
        self._on_resume = on_resume
        self._room: LiveKitRoom | None = None
        self._mode = Mode.PASSTHROUGH
        self._open_microphone: MicrophoneFactory | None = None
        self._microphone_on = False
        self._talking = False
        self._quiet = False
        self._holds: set[HoldReason] = set()
        self._publishing: asyncio.Task[None] | None = None
        self._own_clip: BlockReader | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        feeder.on_event(self._on_clip_event)

    @property
    def playing(self) -> bool:
        return self._feeder.playing

    @property
    def position_s(self) -> float:
        return self._feeder.position_s

    @property
    def is_open(self) -> bool:
        """Whether a session is live, or was and is reconnecting."""
        return self._room is not None

    @property
    def is_talking(self) -> bool:
        """Whether the microphone is on only for as long as a key is held."""
        return self._talking

    @property
    def microphone(self) -> MicState:
        """Whether the user's voice goes out now."""
        if not self._microphone_on:
            return MicState.OFF
        return MicState.ON if self._feeder.microphone_open else MicState.MUTED_FOR_CLIP

    def speak(self, source: "Path | str | BlockReader", *, match_loudness: bool) -> None:
        """Speak a sound file, or blocks, in place of what is spoken now; a queue plays its own clips.

        Raises:
            RuntimeError: The session is a live conversation.
        """
        if isinstance(source, Path | str):
            from atlas_desktop.media.clip_reader import ClipReader

            reader: BlockReader = ClipReader(Path(source), match_loudness=match_loudness)
        else:
            reader = source
        self._own_clip = reader
        self.play(reader)

    def play(self, reader: "BlockReader") -> None:
        if self._room is not None and self._mode is Mode.CONVERSATION:
            reader.close()
            raise RuntimeError("clips are spoken in passthrough only; switch the mode first")
        self._feeder.play(reader)
        self._ensure_track()
        self._on_change()

    def follow_with(self, reader: "BlockReader | None") -> None:
        self._feeder.follow_with(reader)
        if self._feeder.current is not None:
            self._ensure_track()

    def pause(self) -> None:
        self._feeder.pause()
        self._on_change()

    def resume(self) -> None:
        self._feeder.resume()
        self._on_resume()
        self._on_change()

    def seek(self, position_s: float) -> None:
        self._feeder.seek(position_s)

    def interrupt(self) -> None:
        self._feeder.interrupt()
        self._on_change()

    def on_event(self, callback: "EventCallback") -> Callable[[], None]:
        return self._feeder.on_event(callback)

    def begin(self, *, microphone: bool) -> None:
        """Prepare for a session that begins; clip events are delivered on the running loop."""
        self._loop = asyncio.get_running_loop()
        self.microphone_wanted = microphone

    def is_held(self, reason: HoldReason) -> bool:
        """Whether ``reason`` keeps everything from being spoken."""
        return reason in self._holds

    def hold(self, reason: HoldReason, unheard_from_us: int | None = None) -> None:
        """Stop speaking until ``release``; what was sent after that time is then sent again."""
        is_first = not self._holds
        self._holds.add(reason)
        if is_first:
            self._feeder.hold(unheard_from_us)
            self._on_change()

    def release(self, reason: HoldReason) -> None:
        """Remove ``reason``; what was spoken continues when it was the last one."""
        if reason not in self._holds:
            return
        self._holds.remove(reason)
        if not self._holds:
            self._feeder.release()
            self._on_change()

    def attach_microphone(self, factory: MicrophoneFactory) -> None:
        """Set what opens the microphone; called at the first use in each session."""
        self._open_microphone = factory

    def set_microphone(self, on: bool, preroll_ms: int = 0) -> None:
        """Turn the microphone on or off; before the session is live, for when it is."""
        self.microphone_wanted = on
        self._talking = False
        if self._room is not None:
            self._update_microphone(preroll_ms)
        self._on_change()

    def set_quiet(self, on: bool) -> None:
        """Keep the user from being heard for a while; ``microphone_wanted`` is unchanged."""
        self._quiet = on
        if self._room is not None:
            self._update_microphone()
        self._on_change()

    def set_talking(self, on: bool) -> None:
        """Push to talk: the microphone is on while ``on``; one that is on already stays so."""
        if on and not self.microphone_wanted:
            self.set_microphone(True, TALK_PREROLL_MS)
            self._talking = True
        elif not on and self._talking:
            self.set_microphone(False)

    def prepare(self) -> None:
        """Publish the track of a live passthrough session now, so that the first clip is 0.2 s sooner.

        By default the first clip does it. May be called in any state, and more than once.
        """
        if self._mode is Mode.PASSTHROUGH:
            self._ensure_track()

    def open(self, room: "LiveKitRoom", mode: Mode) -> None:
        """Start speaking into ``room``: the session is live."""
        self._room = room
        self._mode = mode
        if self._mode is Mode.CONVERSATION:
            # The track is the microphone's: the agent would hear a waiting clip as the user's words.
            self._feeder.interrupt()
        elif self._feeder.current is not None:
            self._ensure_track()
        self._update_microphone()

    def close(self) -> None:
        """Stop speaking and close the microphone: the session ends."""
        self._room = None
        self._publishing = None
        self._feeder.interrupt()
        self._feeder.set_microphone(None)
        self._feeder.detach()
        for reason in tuple(self._holds):
            self.release(reason)
        self._microphone_on = False
        self.microphone_wanted = False

    def _update_microphone(self, preroll_ms: int = 0) -> None:
        if self._quiet or not self.microphone_wanted:
            self._feeder.set_microphone(None)
            self._microphone_on = False
        elif not self._microphone_on:
            self._start_microphone(preroll_ms)

    def _start_microphone(self, preroll_ms: int) -> None:
        try:
            if self._open_microphone is None:
                raise NoMicrophoneError()
            reader = self._open_microphone(preroll_ms)
        except AppError as error:
            self.microphone_wanted = False
            self._on_notice(error)
            return
        self._feeder.set_microphone(reader)
        self._microphone_on = True
        self._ensure_track()

    def _ensure_track(self) -> None:
        """Publish the track of the mode, unless that is done or in progress."""
        if self._room is not None and self._publishing is None:
            self._publishing = self._scope.start(self._publish(self._room), "publish")

    async def _publish(self, room: "LiveKitRoom") -> None:
        mode = self._mode
        try:
            sink = await room.publish(mode)
        except AppError as error:
            if self._room is room:
                self._publishing = None  # the next clip retries
                if mode is Mode.CONVERSATION:
                    self.set_microphone(False)
                self._on_notice(error)
            return
        if self._room is room:
            self._feeder.attach(sink)
            self._on_change()

    def _on_clip_event(self, event: "ClipEvent") -> None:
        # In the media loop's thread.
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._take_clip_event, event)

    def _take_clip_event(self, event: "ClipEvent") -> None:
        error = getattr(event, "error", None)
        if event.reader is self._own_clip and isinstance(error, AppError):
            self._on_notice(error)
        self._on_change()
