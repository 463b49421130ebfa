"""Monitors the room of one server session: is it connected, is the avatar there, can we be heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from atlas_desktop.aio import TaskScope
from atlas_desktop.clock import monotonic_us
from atlas_desktop.errors import AvatarLeftError, RoomLostError
from atlas_desktop.session.room.room_statistics import Buffers, Traffic
from atlas_desktop.session.room_health import (
    GIVE_UP_S,
    PICTURE_LATE_US,
    AvatarMonitor,
    ConnectionMonitor,
    Stopwatch,
    VideoLagMonitor,
)
from atlas_desktop.session.speech import HoldReason, SpeechOutput
from atlas_desktop.session.state import Live, Reconnecting, Stop
from atlas_desktop.session.transcript import Role, Transcript

if TYPE_CHECKING:
    from atlas_desktop.session.activity import AgentActivity
    from atlas_desktop.session.chat import Chat
    from atlas_desktop.session.dependencies import SessionDependencies
    from atlas_desktop.session.lifecycle import Lifecycle
    from atlas_desktop.session.room.livekit_room import LiveKitRoom
    from atlas_desktop.session.segment_stream import SegmentStream
    from atlas_desktop.session.server_session import ServerSession
    from atlas_desktop.session.session_events import SessionEvents

RECONNECT_LIMIT_S = 90.0
"""LiveKit may retry for minutes; a connection that is not back by then is given up."""
MEDIA_LATE_S = 2.5
"""Without a packet of picture or sound for so long the avatar counts as gone."""
MUTE_DELAY_US = 200_000
"""The room may have muted us so long before we learn of it: what was sent meanwhile is sent again."""


class RoomMonitor:
    """Receives one room's events; holds clips and messages while nobody would get them.

    Ends the session when the avatar or the connection stays away. Events of a room whose session was
    replaced are ignored; no event handler raises. Thread: the session's loop.

    Attributes:
        is_muted: The room has muted our track.
        is_picture_muted: The avatar itself has paused its picture.

    Args:
        run: Whose room is monitored; ``None`` before the first.
        events: Gets the room's words; notified when picture and sound start and stop.
        lifecycle: Moved by what happens in the room.
        speech: Held while nobody hears it.
        chat: Held while nobody reads it.
        activity: Gets the agent's state.
        dependencies: Feeds, playout and clock.
        scope: Owns the wait for a subscriber.
        on_change: Called when what is shown may have changed.
    """

    def __init__(
        self,
        run: ServerSession | None,
        events: SessionEvents,
        lifecycle: Lifecycle,
        speech: SpeechOutput,
        chat: Chat,
        activity: AgentActivity,
        dependencies: SessionDependencies,
        scope: TaskScope,
        on_change: Callable[[], None],
    ) -> None:
        self.is_muted = self.is_picture_muted = False
        self._run = run
        self._lifecycle = lifecycle
        self._speech = speech
        self._chat = chat
        self._events = events
        self._activity = activity
        self._video = dependencies.video
        self._audio = dependencies.audio
        self._playout = dependencies.playout
        self._awake_s = dependencies.awake_s
        self._scope = scope
        self._on_change = on_change
        self._connection = ConnectionMonitor()
        self._avatar = AvatarMonitor()
        self._broken = Stopwatch()
        self._video_lag = VideoLagMonitor()
        self._microphone_before = False
        self._has_picture = self._has_sound = False
        self._left_us: int | None = None
        self._known: Traffic | None = None
        self._frames = 0
        self._media_s = self._awake_s()
        self._has_reconnected = False
        self._awaiting_subscriber: asyncio.Task[None] | None = None

    @property
    def room(self) -> LiveKitRoom | None:
        """The room, once it is being joined."""
        return self._run.room if self._run is not None else None

    @property
    def gone_s(self) -> float:
        """How long the avatar has been gone, or since the user chose to keep waiting."""
        return self._avatar.gone_s

    @property
    def is_urgent(self) -> bool:
        """Whether to poll the room's packets more often than once a second."""
        last_us = self._video.last_frame_us
        if last_us is None or not self._is_up:
            return False
        return self._connection.is_broken or monotonic_us() - last_us > PICTURE_LATE_US

    def keep_waiting(self) -> None:
        """Restart the avatar's time limit."""
        self._avatar.keep_waiting()
        self._update_chat()

    def unmute(self, *, microphone: bool = False) -> None:
        """Ask the room to unmute us; ``voice_muted`` follows when it does.

        Args:
            microphone: Turn the microphone on then; by default it returns to what it was.
        """
        if self.is_muted and self.room is not None:
            self._microphone_before = self._microphone_before or microphone
            self.room.unmute()

    def forget_microphone(self) -> None:
        """Let the user's own choice count, not what the microphone was before the room muted us."""
        self._microphone_before = False

    # Events of the room

    def connection_changed(self, connected: bool) -> None:
        """LiveKit is reconnecting, or has reconnected."""
        if self._is_current:
            self._connection.report(connected)
            self._has_reconnected = True
            self._update_connection()

    def video_changed(self, present: bool) -> None:
        """The avatar's picture started or stopped flowing."""
        if self._is_current:
            self._events.video_changes(self._video if present else None)
            self._has_picture = present
            self._update_presence()

    def audio_changed(self, present: bool) -> None:
        """The avatar's sound started or stopped flowing."""
        if self._is_current:
            self._events.audio_changes(self._audio if present else None)
            self._has_sound = present
            self._update_presence()

    def voice_muted(self, muted: bool) -> None:
        """The room muted or unmuted our track."""
        if muted == self.is_muted or not self._is_current:
            return
        self.is_muted = muted
        if muted:
            # Not one that is on only while a key is held: that may be released meanwhile.
            self._microphone_before = self._speech.microphone_wanted and not self._speech.is_talking
            self._speech.hold(HoldReason.MUTED, monotonic_us() - MUTE_DELAY_US)
            # The control shows the actual state.
            self._speech.set_microphone(False)
        else:
            self._speech.release(HoldReason.MUTED)
            if self._microphone_before:
                self._speech.set_microphone(True)
        self._on_change()

    def room_lost(self, reason: str, proxy: str = "") -> None:
        """The room is gone for good, unasked; ``proxy`` is the one that refused the reconnect, if any."""
        if self._is_current:
            self._lifecycle.room_lost(reason, proxy)

    def segment_received(self, segment_id: str, role: Role, text: str, final: bool) -> None:
        """A segment of ``transcription_received``: its whole text so far."""
        if self._is_current:
            known = len(self._events.transcript)
            self._events.transcript.put_legacy(segment_id, role, text, final)
            if role == "agent" and len(self._events.transcript) > known:
                self._playout.release()

    def stream_opened(self, segment_id: str, role: Role, final: bool) -> SegmentStream:
        """A text stream began; its chunks are added to what is returned."""
        if not self._is_current:
            return Transcript().open_stream(segment_id, role, final)
        stream = self._events.transcript.open_stream(segment_id, role, final)
        if role == "agent" and stream.is_new:
            self._playout.release()
        return stream

    def room_cut(self) -> None:
        """Part of what the room sent was dropped because of a limit."""
        if self._is_current:
            self._events.transcript.note_cut()

    def agent_state_changed(self, state: str | None) -> None:
        """``lk.agent.state`` of any participant; ``None`` when the one that had it left."""
        if self._is_current and self._activity.set_reported(state):
            self._playout.release()
            self._on_change()

    # Polled

    def take_traffic(self, traffic: Traffic | None) -> None:
        """Take the totals of what has arrived from the room."""
        if traffic is None or not self._is_up:
            return
        self.is_picture_muted = traffic.picture_muted
        if self._known is None or traffic.media != self._known.media or traffic.picture_muted:
            self._media_s = self._awake_s()
        self._known = traffic
        self._connection.take(monotonic_us(), traffic)
        self._update_connection()

    def take_buffers(self, buffers: Buffers | None) -> None:
        """Take the totals of the jitter buffers. To be called once a second."""
        if not self._is_live:
            self._video_lag.note_break(monotonic_us())
        elif buffers is not None and self._video_lag.take(monotonic_us(), buffers):
            self._refresh_picture()

    def tick(self) -> None:
        """Check avatar and connection. To be called several times a second."""
        now_s, was_gone = self._awake_s(), self._avatar.is_gone
        if self._video.received != self._frames:
            self._frames, self._media_s = self._video.received, now_s
        arrives = now_s - self._media_s < MEDIA_LATE_S
        is_live = self._is_live
        self._avatar.update(now_s, connected=is_live, present=arrives and self._left_us is None)
        self._update_hold()
        if self._avatar.is_gone != was_gone:
            self._update_chat()
        if is_live and self._video_lag.is_frozen(monotonic_us(), self._video.last_frame_us):
            self._refresh_picture()
        self._broken.update(now_s, counts=isinstance(self._lifecycle.state, Reconnecting))
        if self._avatar.is_given_up and is_live:
            self._lifecycle.end(Stop(), AvatarLeftError(waited_s=GIVE_UP_S))
        elif self._broken.elapsed_s >= RECONNECT_LIMIT_S:
            self._lifecycle.end(Stop(), RoomLostError(detail="not back in time"))

    def state_changed(self) -> None:
        """Follow a change of the session's state."""
        self._update_hold()
        self._update_chat()

    # Consequences

    @property
    def _is_current(self) -> bool:
        return self._lifecycle.run is self._run

    @property
    def _is_live(self) -> bool:
        return isinstance(self._lifecycle.state, Live)

    @property
    def _is_up(self) -> bool:
        return isinstance(self._lifecycle.state, Live | Reconnecting)

    def _refresh_picture(self) -> None:
        if self.room is not None:
            self.room.refresh_picture()

    def _update_connection(self) -> None:
        if self._connection.is_broken:
            self._lifecycle.connection_changed(False)
            return
        was_broken = isinstance(self._lifecycle.state, Reconnecting)
        self._lifecycle.connection_changed(True)
        if was_broken:
            self._video_lag.note_back(monotonic_us())

    def _update_presence(self) -> None:
        """Note when the avatar left; one that is heard is there though its picture has gone."""
        if self._has_picture or self._has_sound:
            self._left_us = None
        elif self._left_us is None:
            self._left_us = monotonic_us()
        self._media_s = self._awake_s()
        self._update_hold()
        self._update_chat()

    def _update_hold(self) -> None:
        """Hold a clip that nobody hears, back to what was heard last; release it when somebody does."""
        if not self._is_up:
            return
        if self._is_unheard:
            self._speech.hold(HoldReason.UNHEARD, self._unheard_from_us)
        elif self._is_live and self._speech.is_held(HoldReason.UNHEARD):
            self._release()

    @property
    def _is_unheard(self) -> bool:
        if self._connection.is_quiet:
            return True
        if self._left_us is None:
            return False
        # Not at once while live: one track may be replaced by another.
        return not self._is_live or monotonic_us() - self._left_us > PICTURE_LATE_US

    @property
    def _unheard_from_us(self) -> int | None:
        last_us = self._video.last_frame_us
        heard_us = self._connection.unheard_from_us(last_us)
        if self._connection.is_quiet or self._left_us is None:
            return heard_us
        if last_us is not None and self._left_us - last_us < 2 * PICTURE_LATE_US:
            return last_us
        # Detected late, as after a stall of this program: what was sent after the last packet is lost, too.
        return self._left_us if heard_us is None else min(self._left_us, heard_us)

    def _release(self) -> None:
        if self._awaiting_subscriber is not None and not self._awaiting_subscriber.done():
            return
        if not self._has_reconnected or self.room is None:
            self._speech.release(HoldReason.UNHEARD)
            return
        self._has_reconnected = False
        self._awaiting_subscriber = self._scope.start(self._release_heard(self.room), "subscriber")

    async def _release_heard(self, room: LiveKitRoom) -> None:
        """Release once somebody is subscribed: LiveKit's reconnect may have published our track again."""
        await room.wait_heard()
        if self._is_current and self._is_live and not self._is_unheard:
            self._speech.release(HoldReason.UNHEARD)

    def _update_chat(self) -> None:
        is_read = self._left_us is None and not self._avatar.is_gone
        if self._is_live and is_read and self.room is not None:
            self._chat.open(self.room)
        else:
            self._chat.hold(self._unheard_from_us if self._connection.is_quiet else None)
