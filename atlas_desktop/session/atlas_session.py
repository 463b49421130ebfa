"""The session: what a program holds on to while server sessions come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.source import Face, Mode, SessionGrant, SessionSource
from atlas_desktop.session.chat import Chat
from atlas_desktop.session.ears import Ears
from atlas_desktop.session.frame_throttle import FrameThrottle
from atlas_desktop.session.keeper import Keeper
from atlas_desktop.session.life import (
    Ending,
    Failed,
    Joining,
    Life,
    Live,
    Next,
    Park,
    Parked,
    Reconnecting,
    Requesting,
    Stop,
    grant_of,
    is_over,
)
from atlas_desktop.session.lifecycle import Lifecycle
from atlas_desktop.session.network import has_interface
from atlas_desktop.session.overview import overview
from atlas_desktop.session.own_clip import OwnClip
from atlas_desktop.session.parts import Parts, load_livekit
from atlas_desktop.session.ports import RoomPort, RoomStatistics
from atlas_desktop.session.pulse import Pulse
from atlas_desktop.session.room_events import RoomEvents
from atlas_desktop.session.room_watch import RoomWatch
from atlas_desktop.session.run import Limits, Request, Run
from atlas_desktop.session.snapshot import SessionSnapshot, shown, state_name
from atlas_desktop.session.speaking_session import SpeakingSession
from atlas_desktop.session.speech import Speech
from atlas_desktop.session.sync import Sync
from atlas_desktop.session.transcript import Message
from atlas_desktop.session.vitals import Vitals

if TYPE_CHECKING:
    from atlas_desktop.media.speaker import Speaker


class AtlasSession(SpeakingSession):
    """A session with an avatar: start it, speak, listen, end it, start another.

    It outlives the single server sessions: its feeds, transcript and callbacks stay. Everything but
    ``aclose``, ``ended``, ``wait_live`` and ``warm_up`` returns at once; what comes of it is told to
    the callbacks. Thread: one event loop, which runs when ``start`` is called.

    Attributes:
        transcript: What was said and typed; kept through a switch of the mode and while parked.
        video: The avatar's picture: ``latest()`` or ``async for``.
        audio: The avatar's sound: ``latest()`` or ``async for``.
        playout: Volume, mute and the gate of what is heard here.
        sync: How long pictures wait for their sound, and what remains.
    """

    def __init__(
        self, scope_name: str = "session", *, parts: Parts | None = None, limits: Limits | None = None
    ) -> None:
        """Makes an idle session.

        Args:
            scope_name: Names its tasks in logs.
            parts: Stand-ins for tests; by default the real ones.
            limits: Time limits; by default those of the service's contract.
        """
        super().__init__()
        self._parts = parts or Parts.real(self._notices)
        self.video, self.audio = self._parts.video, self._parts.audio
        self.playout = self._parts.playout
        self._scope = TaskScope(f"{scope_name}.side", self._notices)
        self._speech = Speech(self._parts.feeder, self._scope, self._notices, self._refresh)
        self._chat = Chat(self.transcript, self._scope, self._notices, self._refresh)
        self.sync = Sync(self._parts.lip_sync)
        self._vitals = Vitals(self.video, self.audio)
        # For what a room may bring about a thousand times a second.
        self._refreshing = FrameThrottle(self._refresh)
        self._lifecycle = Lifecycle(
            scope_name, self._make_room, self.video, self._moved, self._notices, limits, self._parts.clock_s
        )
        self._keeper = Keeper(self._lifecycle, self._limits_changes, self._parts.clock_s, self._parts.awake_s)
        self._ears = Ears(self._vitals, self._speech)
        self._watch = RoomWatch(
            self._lifecycle,
            self._speech,
            self._chat,
            self.video,
            self._scope,
            self._refreshing.request,
            self._parts.awake_s,
        )
        self._speech.on_resume = self._watch.unmute
        self._pulse = Pulse(
            self._scope,
            self._beat,
            self._room,
            self._take_statistics,
            lambda: self._watch.is_urgent,
            self._watch.take,
        )
        self._shown = shown(self.snapshot)
        self._own_clip = OwnClip(self._speech, self._notices, self._refresh)
        self.transcript.on_change(self._count_message)

    # What is

    @property
    def snapshot(self) -> SessionSnapshot:
        """All that is shown of the session, now."""
        return overview(self._lifecycle, self._keeper, self._vitals, self._speech, self._chat, self._watch)

    @property
    def info(self) -> SessionGrant | None:
        """The id, address and token of the session that runs (R's ``AtlasSessionInfo``)."""
        return grant_of(self._lifecycle.life)

    @property
    def speaker(self) -> Speaker:
        """What plays clips into the session: for a queue of cues."""
        return self._speech

    @property
    def speak_text(self) -> Callable[[str], bool] | None:
        """Makes the agent answer a text; ``None`` in passthrough, where there is no agent."""
        return self.send_chat if self.snapshot.can_speak_text else None

    # Its life

    def start(
        self, source: SessionSource, mode: Mode, face: Face | None = None, *, microphone: bool = False
    ) -> None:
        """Begins a session with an empty transcript; nothing happens when one is on its way.

        Args:
            source: Makes and ends the session; it must stay open until the session is over.
            mode: What the avatar does.
            face: Its face; ``None`` for the service's own.
            microphone: Turn the microphone on as soon as the session is live.
        """
        if is_over(self._lifecycle.life):
            self._own_clip.follow_loop()
            self._chat.clear()
            self.transcript.reset()
            self._lifecycle.start(Request(source, mode, face, microphone))

    mount = start

    def switch_mode(self, mode: Mode, *, microphone: bool = False) -> None:
        """Ends this session and begins one in ``mode``: same source and face, transcript kept."""
        self._lifecycle.switch(mode, microphone)

    def start_anew(self) -> None:
        """Ends this session and begins one like it: transcript and waiting messages kept."""
        snapshot = self.snapshot
        if not snapshot.is_over:
            self._lifecycle.switch(snapshot.mode, snapshot.microphone_wanted)

    def park(self) -> None:
        """Ends a session that is live, and keeps its stage: ``resume`` goes on from there."""
        if isinstance(self._lifecycle.life, Live | Reconnecting):
            self._lifecycle.end(Park())

    def resume(
        self, mode: Mode | None = None, *, microphone: bool = False, source: SessionSource | None = None
    ) -> None:
        """Begins a session like the one that was parked, transcript kept; nothing happens elsewhere.

        Args:
            mode: Another mode than before.
            microphone: Turn the microphone on as soon as the session is live.
            source: Another source than before.
        """
        run = self._lifecycle.run
        if isinstance(self._lifecycle.life, Parked) and run is not None:
            before = run.request
            self._own_clip.follow_loop()
            self._lifecycle.start(
                Request(source or before.source, mode or before.mode, before.face, microphone)
            )

    def keep_waiting(self) -> None:
        """The user waits on for the avatar, its first picture or its return: the time starts from zero."""
        self._lifecycle.keep_waiting()
        self._watch.wait_on()
        self._refresh()

    def end(self, following: Next | None = None) -> None:
        """Asks for the end, at whatever stage the session is. Never blocks; may be called twice.

        Args:
            following: What it leads to; by default the ended page.
        """
        self._lifecycle.end(following or Stop())

    def unmount(self) -> None:
        """R's name for the end."""
        self.end()

    def rehearsal_lost(self) -> None:
        """The local Atlas of a rehearsal is gone: its room is left, and not looked for at its address."""
        run = self._lifecycle.run
        if run is not None and not run.request.source.billed and not self.snapshot.is_over:
            self._lifecycle.room_lost("UNKNOWN_REASON")

    def end_again(self) -> None:
        """Asks the service once more to end a session whose end it did not confirm."""
        self._lifecycle.end_again()

    async def wait_live(self) -> bool:
        """Waits for the first picture. False when the session was ended before.

        Raises:
            AppError: The session failed.
        """
        life = await self._until(lambda life: isinstance(life, Live) or is_over(life))
        if isinstance(life, Failed):
            raise life.error
        return isinstance(life, Live)

    async def ended(self) -> Life:
        """Waits until no session exists; returns Idle, Ended, Parked or Failed."""
        return await self._until(is_over)

    async def aclose(self, timeout_s: float = 4.0) -> None:
        """Ends the session, if there is one, and lets go of everything; at most ``timeout_s``."""
        await self._lifecycle.aclose(timeout_s)
        await self._scope.aclose(1.0)
        self.video.close()
        self.audio.close()
        await asyncio.to_thread(self._parts.feeder.close)

    async def warm_up(self) -> None:
        """Imports in a thread what the first start would wait for: LiveKit, and what knows the interfaces."""
        await asyncio.to_thread(load_livekit)
        await asyncio.to_thread(has_interface)

    # What happens

    async def _make_room(self, run: Run) -> RoomPort:
        events = RoomEvents(
            run=run,
            lifecycle=self._lifecycle,
            transcript=self.transcript,
            watch=self._watch,
            on_video=lambda present: self._video_changes(self.video if present else None),
            on_audio=lambda present: self._audio_changes(self.audio if present else None),
            on_agent_state=self._take_agent_state,
            on_agent_segment=self.playout.release,
        )
        return await self._parts.make_room(events)

    def _moved(self, before: Life, after: Life) -> None:
        run = self._lifecycle.run
        if isinstance(after, Requesting) and not isinstance(before, Requesting):
            self._on_begin()
        elif isinstance(after, Joining) and run is not None:
            self._keeper.grant(run)
        elif isinstance(after, Live) and run is not None and run.room is not None:
            self._on_live(run.room, run.request.mode)
        elif isinstance(after, Ending) and not isinstance(before, Ending):
            self._on_ending()
        elif is_over(after):
            self._pulse.stop()
            self.transcript.settle()
            if not isinstance(after, Parked):
                self._chat.clear()
        self._watch.follow_life()
        if state_name(before) != state_name(after):
            error = self.snapshot.error or self.snapshot.stopped
            self._state_changes(state_name(after), str(error) if error is not None else None)
        self._refresh()

    def _on_begin(self) -> None:
        run = self._lifecycle.run
        assert run is not None
        self.transcript.begin()
        run.messages = len(self.transcript)  # switched or resumed, it goes on in the same one
        self.video.clear()
        self.audio.clear()
        self._vitals.reset()
        self.sync.reset()
        self._speech.microphone_wanted = run.request.microphone
        self.playout.open()
        self._keeper.begin()
        self._watch.begin()
        self._pulse.start()

    def _on_live(self, room: RoomPort, mode: Mode) -> None:
        if not self._speech.is_open:
            self._speech.open(room, mode)

    def _on_ending(self) -> None:
        self._speech.close()
        self._chat.hold()
        self.playout.close()

    def _count_message(self, message: Message, _index: int) -> None:
        if message.role == "user":
            self.touch()
        if (run := self._lifecycle.run) is not None:
            run.messages = len(self.transcript)

    def _room(self) -> RoomPort | None:
        run = self._lifecycle.run
        return run.room if run is not None else None

    def _take_agent_state(self, state: str | None) -> None:
        if self._vitals.state(state):
            self.playout.release()
            self._refreshing.request()

    def _take_statistics(self, statistics: RoomStatistics) -> None:
        self._vitals.rtt_ms = statistics.round_trip_ms
        self.sync.take(statistics)
        self._watch.take_buffers(statistics.buffers)
        self._refresh()

    def _beat(self) -> None:
        if self._ears.hear_anybody:
            self._keeper.touch()
        self._keeper.look()
        self._watch.beat()
        self._refresh()

    def _refresh(self) -> None:
        """Tells of the snapshot, when it looks different from the one told before."""
        snapshot = self.snapshot
        now_shown = shown(snapshot)
        if now_shown != self._shown:
            self._shown = now_shown
            self._changes(snapshot)

    async def _until(self, reached: Callable[[Life], bool]) -> Life:
        arrived = asyncio.Event()
        unsubscribe = self.on_state_change(lambda _state, _detail: arrived.set())
        try:
            while not reached(self._lifecycle.life):
                await arrived.wait()
                arrived.clear()
        finally:
            unsubscribe()
        return self._lifecycle.life
