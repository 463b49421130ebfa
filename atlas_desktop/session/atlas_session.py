"""The session: what a program holds while server sessions come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from atlas_desktop.aio import TaskScope
from atlas_desktop.api.source import Face, Mode, SessionGrant, SessionSource
from atlas_desktop.session.activity import ActivityDetector, AgentActivity
from atlas_desktop.session.chat import Chat
from atlas_desktop.session.dependencies import SessionDependencies, load_livekit
from atlas_desktop.session.frame_throttle import FrameThrottle
from atlas_desktop.session.lifecycle import Lifecycle
from atlas_desktop.session.limit_enforcer import LimitEnforcer
from atlas_desktop.session.room.room_statistics import RoomStatistics, StatsPoller
from atlas_desktop.session.room_monitor import RoomMonitor
from atlas_desktop.session.server_session import ServerSession, SessionRequest, Timeouts, has_interface
from atlas_desktop.session.session_events import SessionEvents
from atlas_desktop.session.snapshot import SessionSnapshot, build_snapshot, shown, state_name
from atlas_desktop.session.speech import SpeechOutput
from atlas_desktop.session.state import (
    Ending,
    Failed,
    Joining,
    Live,
    Next,
    Park,
    Parked,
    Reconnecting,
    Requesting,
    SessionState,
    Stop,
    Switch,
    grant_of,
    is_over,
)
from atlas_desktop.session.transcript import Message

if TYPE_CHECKING:
    from atlas_desktop.media.blocks import BlockReader
    from atlas_desktop.session.room.livekit_room import LiveKitRoom

TICK_S = 0.25  # limits, idle time and the avatar are checked so often


class AtlasSession(SessionEvents):
    """A session with an avatar: start it, speak, listen, end it, start another.

    It outlives the single server sessions: feeds, transcript and observers stay. Everything but
    ``aclose``, ``ended``, ``wait_live`` and ``warm_up`` returns at once; observers are notified of the
    result. Thread: one event loop, which runs when ``start`` is called.

    Attributes:
        transcript: What was said and typed; kept through a switch of the mode and while parked.
        video: The avatar's picture: ``latest()`` or ``async for``.
        audio: The avatar's sound: ``latest()`` or ``async for``.
        playout: Volume, mute and the gate of what is heard here.
        lip_sync: How long pictures wait for their sound.
        speaker: Plays clips into the session: for a queue of cues.
        limits: What paid sessions may cost and how long they may run; idle time.
    """

    def __init__(
        self,
        scope_name: str = "session",
        *,
        dependencies: SessionDependencies | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Create an idle session.

        Args:
            scope_name: Names its tasks in logs.
            dependencies: Fakes for tests; by default the real ones.
            timeouts: Time limits of its steps; by default those of the service's contract.
        """
        super().__init__()
        self._dependencies = used = dependencies or SessionDependencies.create(self._notices)
        self.video, self.audio = used.video, used.audio
        self.playout, self.lip_sync = used.playout, used.lip_sync
        self._scope = TaskScope(f"{scope_name}.side", self._notices)
        self.speaker = SpeechOutput(used.feeder, self._scope, self._notices, self._refresh, self.unmute)
        self._chat = Chat(self.transcript, self._scope, self._notices, self._refresh)
        self._activity = AgentActivity(self.video, self.audio)
        self._detector = ActivityDetector(self._activity, self.speaker)
        # For events that a room may cause about a thousand times a second.
        self._throttle = FrameThrottle(self._refresh)
        self._lifecycle = Lifecycle(
            scope_name, self._make_room, self.video, self._on_state, self._notices, timeouts, used.clock_s
        )
        self.limits = LimitEnforcer(self._lifecycle, self._refresh, self._notices, used.clock_s, used.awake_s)
        self._monitor = self._make_monitor(None)
        self._polling: list[asyncio.Task[None]] = []
        self._shown = shown(self.snapshot)
        self.transcript.on_change(self._on_message)

    @property
    def snapshot(self) -> SessionSnapshot:
        """All that is shown of the session, now."""
        return build_snapshot(
            self._lifecycle, self.limits, self._activity, self.speaker, self._chat, self._monitor
        )

    @property
    def info(self) -> SessionGrant | None:
        """The id, address and token of the running session (R's ``AtlasSessionInfo``)."""
        return grant_of(self._lifecycle.state)

    def start(
        self, source: SessionSource, mode: Mode, face: Face | None = None, *, microphone: bool = False
    ) -> None:
        """Start a session with an empty transcript, unless one exists.

        Args:
            source: Makes and ends the session; it must stay open until the session is over.
            mode: What the avatar does.
            face: Its face; ``None`` for the service's own.
            microphone: Turn the microphone on as soon as the session is live.
        """
        if is_over(self._lifecycle.state):
            self._chat.clear()
            self.transcript.reset()
            self._lifecycle.start(SessionRequest(source, mode, face, microphone))

    mount = start

    def switch_mode(self, mode: Mode, *, microphone: bool = False) -> None:
        """End this session and start one in ``mode``: same source and face, transcript kept."""
        self._lifecycle.switch(mode, microphone)

    def start_anew(self) -> None:
        """End this session and start one like it: transcript and queued messages kept."""
        self._lifecycle.switch(self.snapshot.mode, self.snapshot.microphone_wanted)

    def park(self) -> None:
        """End a live session but keep its stage: ``resume`` continues from there."""
        if isinstance(self._lifecycle.state, Live | Reconnecting):
            self._lifecycle.end(Park())

    def resume(
        self, mode: Mode | None = None, *, microphone: bool = False, source: SessionSource | None = None
    ) -> None:
        """Start a session like the parked one, transcript kept; does nothing in other states.

        Args:
            mode: Another mode than before.
            microphone: Turn the microphone on as soon as the session is live.
            source: Another source than before.
        """
        run = self._lifecycle.run
        if isinstance(self._lifecycle.state, Parked) and run is not None:
            before = run.request
            self._lifecycle.start(
                SessionRequest(source or before.source, mode or before.mode, before.face, microphone)
            )

    def keep_waiting(self) -> None:
        """Restart the time limit of the avatar's first picture, or of its return."""
        self._lifecycle.keep_waiting()
        self._monitor.keep_waiting()
        self._refresh()

    def end(self, following: Next | None = None) -> None:
        """Request the end, in any state. Never blocks; may be called twice.

        Args:
            following: What it leads to; by default the ended page.
        """
        self._lifecycle.end(following or Stop())

    unmount = end

    def rehearsal_lost(self) -> None:
        """End a rehearsal whose local Atlas is gone: its room is not searched for at its address."""
        run = self._lifecycle.run
        if run is not None and not run.request.source.billed and not self.snapshot.is_over:
            self._lifecycle.room_lost("UNKNOWN_REASON")

    def end_again(self) -> None:
        """Request the end of sessions whose end was not confirmed once more."""
        self._lifecycle.end_again()

    async def wait_live(self) -> bool:
        """Wait for the first picture; return False when the session was ended before.

        Raises:
            AppError: The session failed.
        """
        state = await self._lifecycle.wait_for(lambda state: isinstance(state, Live) or is_over(state))
        if isinstance(state, Failed):
            raise state.error
        return isinstance(state, Live)

    async def ended(self) -> SessionState:
        """Wait until no session exists; return Idle, Ended, Parked or Failed."""
        return await self._lifecycle.wait_for(is_over)

    async def aclose(self, timeout_s: float = 4.0) -> None:
        """End the session, if there is one, and release everything; at most ``timeout_s``."""
        await self._lifecycle.aclose(timeout_s)
        await self._scope.aclose(1.0)
        self.video.close()
        self.audio.close()
        await asyncio.to_thread(self._dependencies.feeder.close)

    async def warm_up(self) -> None:
        """Import in a thread what the first start would wait for: LiveKit, and psutil."""
        await asyncio.to_thread(load_livekit)
        await asyncio.to_thread(has_interface)

    def speak(self, source: Path | str | BlockReader, *, match_loudness: bool = True) -> None:
        """Speak a sound file, or blocks, at once, in place of what is spoken now (passthrough).

        Before the session is live it waits until then; a conversation that comes up drops it. A file
        that is missing or can't be read raises a notice. Files are spoken at −16 LUFS, unless
        ``match_loudness`` is off; blocks as they are.

        Raises:
            RuntimeError: The session is a live conversation.
        """
        self.limits.touch()
        self.speaker.speak(source, match_loudness=match_loudness)

    def seek(self, position_s: float) -> None:
        """Continue at ``position_s`` of the current clip; blocks must be a ``SeekableReader`` for that."""
        self.speaker.seek(position_s)

    def interrupt(self) -> None:
        """Stop what is spoken: our clip, and the avatar's sound here."""
        self.speaker.interrupt()
        if isinstance(self._lifecycle.state, Live | Reconnecting):
            # An agent is not notified and talks on: what it says now is not heard.
            shut = self.playout.hold if self.snapshot.can_speak_text else self.playout.close
            shut()

    @property
    def speak_text(self) -> Callable[[str], bool] | None:
        """Makes the agent answer a text; ``None`` in passthrough, where there is no agent."""
        return self.send_chat if self.snapshot.can_speak_text else None

    def send_chat(self, text: str) -> bool:
        """Send ``text`` to the agent, now or when the session is live; the transcript has it at once.

        Returns:
            Whether it was taken. False for blank text, without a session, and for text that is too
            long for one message, which raises a notice.
        """
        if not self.snapshot.takes_messages:
            return False
        self.limits.touch()
        return self._chat.send(text)

    def send_again(self) -> None:
        """Send in this session the messages that earlier ones left unsent; does nothing without one."""
        if self.snapshot.takes_messages:
            self.limits.touch()
            self._chat.resend()

    def unmute(self) -> None:
        """Ask the room to unmute us."""
        self._monitor.unmute()

    def attach_microphone(
        self, factory: Callable[[int], BlockReader], level_dbfs: Callable[[], float] | None = None
    ) -> None:
        """Set what opens the microphone; called when it is turned on for the first time in a session.

        Args:
            factory: Opens it; with so many milliseconds of what it recorded just before, where it can.
            level_dbfs: The microphone's level, read a few times a second: a voice is a sign of activity.
        """
        self.speaker.attach_microphone(factory)
        self._detector.level_dbfs = level_dbfs

    def set_microphone(self, on: bool) -> None:
        """Turn the microphone on or off; before the session is live, for when it is."""
        state = self._lifecycle.state
        if isinstance(state, Ending) and isinstance(state.next, Switch):
            self._lifecycle.switch(state.next.mode, on)
        self.limits.touch()
        if on and self._monitor.is_muted:
            self._monitor.unmute(microphone=True)
        else:
            self._monitor.forget_microphone()
            self.speaker.set_microphone(on)

    def set_talking(self, on: bool) -> None:
        """Push to talk: the microphone is on while ``on``, from a moment before it; no syllable is cut."""
        self.limits.touch()
        if on:
            self.unmute()
        self.speaker.set_talking(on)

    def set_quiet(self, on: bool) -> None:
        """Mute both the avatar here and the user there while ``on``, whatever else was chosen."""
        self.playout.quiet = on
        self.speaker.set_quiet(on)

    # What happens

    async def _make_room(self) -> LiveKitRoom:
        return await self._dependencies.make_room(self._monitor)

    def _make_monitor(self, run: ServerSession | None) -> RoomMonitor:
        return RoomMonitor(
            run,
            self,
            self._lifecycle,
            self.speaker,
            self._chat,
            self._activity,
            self._dependencies,
            self._scope,
            self._throttle.request,
        )

    def _on_state(self, before: SessionState, after: SessionState) -> None:
        run = self._lifecycle.run
        assert run is not None
        if isinstance(after, Requesting) and not isinstance(before, Requesting):
            self._begin(run)
        elif isinstance(after, Joining):
            self.limits.grant(run)
        elif isinstance(after, Live) and run.room is not None and not self.speaker.is_open:
            self.speaker.open(run.room, run.request.mode)
        elif isinstance(after, Ending) and not isinstance(before, Ending):
            self.speaker.close()
            self._chat.hold()
            self.playout.close()
        elif is_over(after):
            self._stop_polling()
            self.transcript.settle()
            if not isinstance(after, Parked):
                self._chat.clear()
        self._monitor.state_changed()
        if state_name(before) != state_name(after):
            error = self.snapshot.error or self.snapshot.stopped
            self._state_changes(state_name(after), str(error) if error is not None else None)
        self._refresh()

    def _begin(self, run: ServerSession) -> None:
        self.transcript.begin()
        run.messages = len(self.transcript)  # switched or resumed, it continues in the same one
        self.video.clear()
        self.audio.clear()
        self._activity.reset()
        self.lip_sync.reset()
        self.speaker.begin(microphone=run.request.microphone)
        self.playout.open()
        self.limits.begin()
        self._monitor = self._make_monitor(run)
        self._stop_polling()
        poller = StatsPoller(self._monitor, self._on_statistics)
        self._polling = [
            self._scope.start(self._tick(self._monitor), "tick"),
            self._scope.start(poller.run(), "statistics"),
        ]

    def _stop_polling(self) -> None:
        for task in self._polling:
            task.cancel()
        self._polling = []

    async def _tick(self, monitor: RoomMonitor) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if self._detector.is_active:
                self.limits.touch()
            self.limits.check()
            monitor.tick()
            self._refresh()

    def _on_statistics(self, statistics: RoomStatistics) -> None:
        self._activity.rtt_ms = statistics.round_trip_ms
        self.lip_sync.measure_now(statistics.apart_ms)
        self._monitor.take_buffers(statistics.buffers)
        self._refresh()

    def _on_message(self, message: Message, _index: int) -> None:
        if message.role == "user":
            self.limits.touch()
        if (run := self._lifecycle.run) is not None:
            run.messages = len(self.transcript)

    def _refresh(self) -> None:
        """Notify observers when the displayed state changed."""
        snapshot = self.snapshot
        now_shown = shown(snapshot)
        if now_shown != self._shown:
            self._shown = now_shown
            self._changes(snapshot)
