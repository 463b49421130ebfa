"""Watches the room of a live session: is it connected, is the avatar there, can we be heard."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from atlas_desktop.aio import TaskScope
from atlas_desktop.clock import monotonic_us
from atlas_desktop.errors import AvatarLeftError, RoomLostError
from atlas_desktop.session.avatar_monitor import GIVE_UP_S, AvatarMonitor, Stopwatch
from atlas_desktop.session.chat import Chat
from atlas_desktop.session.connection_monitor import PICTURE_LATE_US, ConnectionMonitor
from atlas_desktop.session.life import Live, Reconnecting, Stop
from atlas_desktop.session.lifecycle import Lifecycle
from atlas_desktop.session.ports import Buffers, RoomPort, Traffic
from atlas_desktop.session.speech import Hold, Speech
from atlas_desktop.session.trail_monitor import TrailMonitor

BROKEN_FOR_GOOD_S = 90.0
"""LiveKit may try for minutes; a connection that is not back by then is given up."""
MEDIA_LATE_S = 2.5
"""So long without a packet of picture or sound, and the avatar counts as not there."""

MUTE_NOTICE_US = 200_000
"""So long before we hear of it the room may have muted us: what was sent meanwhile comes again."""


class Picture(Protocol):
    """The part of a ``VideoFeed`` that is watched. Times are CLOCK_MONOTONIC, in microseconds."""

    received: int
    last_frame_us: int | None


class RoomWatch:
    """Holds clips and messages while nobody would get them, and ends a session without an avatar.

    Thread: the session's loop.

    Attributes:
        is_muted: The room has muted our track.
        is_picture_muted: The avatar itself has paused its picture.

    Args:
        lifecycle: The session that is watched.
        speech: Held while nobody hears it.
        chat: Held while nobody reads it.
        picture: The avatar's.
        scope: Owns the waiting for a listener.
        on_change: Called when what is shown may have changed.
        awake_s: A monotonic clock that does not count sleep.
        clock_us: CLOCK_MONOTONIC.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        speech: Speech,
        chat: Chat,
        picture: Picture,
        scope: TaskScope,
        on_change: Callable[[], None],
        awake_s: Callable[[], float] = time.monotonic,
        clock_us: Callable[[], int] = monotonic_us,
    ) -> None:
        self._lifecycle = lifecycle
        self._speech = speech
        self._chat = chat
        self._picture = picture
        self._scope = scope
        self._on_change = on_change
        self._awake_s = awake_s
        self._clock_us = clock_us
        self._connection = ConnectionMonitor()
        self._avatar = AvatarMonitor()
        self._broken = Stopwatch()
        self._trail = TrailMonitor()
        self._listening: asyncio.Task[None] | None = None
        self.begin()

    def begin(self) -> None:
        """Another server session: nothing is known of its room."""
        self._connection.reset()
        self._avatar.reset()
        self._broken.reset()
        self._trail.reset()
        self.is_muted = self.is_picture_muted = False
        self._microphone_before = False
        self._has_picture = self._has_sound = False
        self._left_us: int | None = None
        self._known: Traffic | None = None
        self._frames = 0
        self._media_s = self._awake_s()
        self._has_reconnected = False

    @property
    def gone_s(self) -> float:
        """How long the avatar has not been there, or since the user chose to wait on."""
        return self._avatar.gone_s

    @property
    def is_urgent(self) -> bool:
        """Whether the room's packets are to be looked at more often than once a second."""
        last_us = self._picture.last_frame_us
        if last_us is None or not isinstance(self._lifecycle.life, Live | Reconnecting):
            return False
        return self._connection.is_broken or self._clock_us() - last_us > PICTURE_LATE_US

    def wait_on(self) -> None:
        """The user waits on for the avatar."""
        self._avatar.wait_on()
        self._follow_chat()

    def unmute(self, *, microphone: bool = False) -> None:
        """The user wants to be heard again; the room says when that is so.

        Args:
            microphone: Then the microphone is to be on; by default it is what it was before.
        """
        run = self._lifecycle.run
        if self.is_muted and run is not None and run.room is not None:
            self._microphone_before = self._microphone_before or microphone
            run.room.unmute()

    def forget_microphone(self) -> None:
        """The user's own choice counts, not what the microphone was before the room muted us."""
        self._microphone_before = False

    # What the room says

    def connection_changed(self, connected: bool) -> None:
        """LiveKit reconnects, or is connected again."""
        self._connection.report(connected)
        self._has_reconnected = True
        self._follow_connection()

    def picture_changed(self, present: bool) -> None:
        """The avatar's picture is in the room, or no longer."""
        self._has_picture = present
        self._follow_presence()

    def sound_changed(self, present: bool) -> None:
        """The avatar's sound is in the room, or no longer."""
        self._has_sound = present
        self._follow_presence()

    def voice_muted(self, muted: bool) -> None:
        """The room muted our track, or took that back."""
        if muted == self.is_muted:
            return
        self.is_muted = muted
        if muted:
            # Not one that is on for as long as a key is held: that may be released meanwhile.
            self._microphone_before = self._speech.microphone_wanted and not self._speech.is_talking
            self._speech.hold(Hold.MUTED, self._clock_us() - MUTE_NOTICE_US)
            # The control shows what is.
            self._speech.set_microphone(False)
        else:
            self._speech.release(Hold.MUTED)
            if self._microphone_before:
                self._speech.set_microphone(True)
        self._on_change()

    def take(self, traffic: Traffic | None) -> None:
        """Takes what has arrived from the room until now."""
        if traffic is None or not isinstance(self._lifecycle.life, Live | Reconnecting):
            return
        self.is_picture_muted = traffic.picture_muted
        if self._known is None or traffic.media != self._known.media or traffic.picture_muted:
            self._media_s = self._awake_s()
        self._known = traffic
        self._connection.take(self._clock_us(), traffic)
        self._follow_connection()

    def take_buffers(self, buffers: Buffers | None) -> None:
        """Takes what was held back of picture and sound until now. To be called once a second."""
        if not isinstance(self._lifecycle.life, Live):
            self._trail.note_break(self._clock_us())
        elif buffers is not None and self._trail.take(self._clock_us(), buffers):
            self._refresh_picture()

    # What follows from it

    def beat(self) -> None:
        """Looks after the avatar. To be called several times a second."""
        now_s, was_gone = self._awake_s(), self._avatar.is_gone
        if self._picture.received != self._frames:
            self._frames, self._media_s = self._picture.received, now_s
        arrives = now_s - self._media_s < MEDIA_LATE_S
        is_live = isinstance(self._lifecycle.life, Live)
        self._avatar.look(now_s, connected=is_live, present=arrives and self._left_us is None)
        self._follow_hold()
        if self._avatar.is_gone != was_gone:
            self._follow_chat()
        if is_live and self._trail.stands(self._clock_us(), self._picture.last_frame_us):
            self._refresh_picture()
        self._broken.run(now_s, counts=isinstance(self._lifecycle.life, Reconnecting))
        if self._avatar.is_given_up and is_live:
            self._lifecycle.end(Stop(), AvatarLeftError(waited_s=GIVE_UP_S))
        elif self._broken.elapsed_s >= BROKEN_FOR_GOOD_S:
            self._lifecycle.end(Stop(), RoomLostError(detail="not back in time"))

    def follow_life(self) -> None:
        """The session's state has changed."""
        self._follow_hold()
        self._follow_chat()

    def _refresh_picture(self) -> None:
        run = self._lifecycle.run
        if run is not None and run.room is not None:
            run.room.refresh_picture()

    def _follow_connection(self) -> None:
        if self._connection.is_broken:
            self._lifecycle.connection_broke()
            return
        was_broken = isinstance(self._lifecycle.life, Reconnecting)
        self._lifecycle.connection_mended()
        if was_broken:
            self._trail.note_back(self._clock_us())

    def _follow_presence(self) -> None:
        """An avatar that is heard is there, if its picture has gone."""
        if self._has_picture or self._has_sound:
            self._left_us = None
        elif self._left_us is None:
            self._left_us = self._clock_us()
        self._media_s = self._awake_s()
        self._follow_hold()
        self._follow_chat()

    def _follow_hold(self) -> None:
        """A clip stops when nobody hears it, and reaches back to what was heard last."""
        if not isinstance(self._lifecycle.life, Live | Reconnecting):
            return
        if self._is_unheard:
            self._speech.hold(Hold.UNHEARD, self._unheard_from_us)
        elif isinstance(self._lifecycle.life, Live) and self._speech.is_held(Hold.UNHEARD):
            self._release()

    @property
    def _is_unheard(self) -> bool:
        if self._connection.is_quiet:
            return True
        if self._left_us is None:
            return False
        # Not at once while live: one picture may be replaced by another.
        is_live = isinstance(self._lifecycle.life, Live)
        return not is_live or self._clock_us() - self._left_us > PICTURE_LATE_US

    @property
    def _unheard_from_us(self) -> int | None:
        last_us = self._picture.last_frame_us
        heard_us = self._connection.unheard_from_us(last_us)
        if self._connection.is_quiet or self._left_us is None:
            return heard_us
        if last_us is not None and self._left_us - last_us < 2 * PICTURE_LATE_US:
            return last_us
        # Found gone late, as after a stop of this program: what was sent after the last packet is lost, too.
        return self._left_us if heard_us is None else min(self._left_us, heard_us)

    def _release(self) -> None:
        run = self._lifecycle.run
        if self._listening is not None and not self._listening.done():
            return
        if not self._has_reconnected or run is None or run.room is None:
            self._speech.release(Hold.UNHEARD)
            return
        self._has_reconnected = False
        self._listening = self._scope.start(self._release_heard(run.room), "listener")

    async def _release_heard(self, room: RoomPort) -> None:
        """LiveKit's own reconnect may have published our track anew: what comes before a listener is lost."""
        await room.wait_heard()
        if isinstance(self._lifecycle.life, Live) and not self._is_unheard:
            self._speech.release(Hold.UNHEARD)

    def _follow_chat(self) -> None:
        run = self._lifecycle.run
        is_read = self._left_us is None and not self._avatar.is_gone
        if isinstance(self._lifecycle.life, Live) and is_read and run is not None and run.room is not None:
            self._chat.open(run.room)
        else:
            self._chat.hold(self._unheard_from_us if self._connection.is_quiet else None)
