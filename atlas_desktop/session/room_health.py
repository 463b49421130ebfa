"""Is the room of a live session healthy: connection, avatar, and picture against sound. Pure.

One monitor of each kind belongs to one server session. Times in microseconds are CLOCK_MONOTONIC.
"""

from atlas_desktop.session.room.room_statistics import Buffers, Traffic

QUIET_US = 1_500_000
"""Picture and sound send all the time: without any packet for so long, the network is gone."""
IDLE_QUIET_US = 6_000_000
"""The same where no media are sent to us: then only connectivity checks come, every 2.5 s."""
PICTURE_LATE_US = 500_000
"""Without a picture for so long, the packets are polled more often."""
UNFED_US = 3_000_000
"""After a break, media show that it is over; without any, packets of other kinds for so long do."""
_MARGIN_US = 100_000
"""What was in flight when the network went is lost, too."""
_LONGEST_STEP_US = 500_000
"""A longer gap between two readings is a stall of our own, in which nothing was observed."""

AVATAR_GONE_S = 20.0
"""After this the user is asked whether to wait, to end or to start again."""
GIVE_UP_S = 60.0
"""Without an answer the session is ended then: it would cost for nothing."""
_LONGEST_STEP_S = 2.0
"""The same as ``_LONGEST_STEP_US``, for calls from the session's own tick."""

LAG_MS = 250.0
"""A picture so much later than its sound is noticed by everybody."""
LAGGING_READINGS = 3
"""Consecutive readings over the limit before it counts as lasting."""
AFTER_BREAK_US = 180_000_000
"""A lag that starts later than this has nothing to do with the break."""
SETTLE_US = 20_000_000
"""A picture that was resubscribed gets so long to settle."""
FROZEN_US = 700_000
"""The connection is back for so long without a picture: WebRTC asks for a key frame only after 3 s."""


class ConnectionMonitor:
    """Combines LiveKit's connection state with the packets that arrive.

    LiveKit detects a lost network after 12 to 15 s; here it counts as lost after 1.5 s without a packet of
    any kind. A picture that stops while other packets arrive is not a matter of the connection.
    """

    def __init__(self) -> None:
        self._reported = False
        self._known: Traffic | None = None
        self._taken_us = 0
        self._heard_us: int | None = None
        self._back_us: int | None = None
        self._silent_us = 0
        self._is_fed = False
        self._is_quiet = False

    @property
    def is_broken(self) -> bool:
        """Whether LiveKit reports it, or nothing arrives."""
        return self._reported or self._is_quiet

    @property
    def is_quiet(self) -> bool:
        """Whether nothing arrives; the first packets after that may only be probing for another path."""
        return self._is_quiet

    def report(self, connected: bool) -> None:
        """Take LiveKit's own state: reconnecting, or connected again."""
        self._reported = not connected
        if connected:
            self._silent_us, self._is_quiet = 0, False

    def take(self, now_us: int, traffic: Traffic) -> None:
        """Take the newest totals."""
        before, self._known = self._known, traffic
        step_us, self._taken_us = min(now_us - self._taken_us, _LONGEST_STEP_US), now_us
        if before is not None and traffic.packets == before.packets:
            self._take_silence(step_us)
        else:
            self._take_packets(now_us, has_media=before is not None and traffic.media != before.media)

    def _take_silence(self, step_us: int) -> None:
        self._silent_us += step_us
        if self._silent_us >= IDLE_QUIET_US:
            self._back_us = None
        if self._silent_us >= (QUIET_US if self._is_fed else IDLE_QUIET_US):
            self._is_quiet = True

    def _take_packets(self, now_us: int, *, has_media: bool) -> None:
        self._silent_us = 0
        if self._is_quiet and not has_media:
            self._back_us = now_us if self._back_us is None else self._back_us
            if now_us - self._back_us < UNFED_US:
                return
        self._heard_us, self._is_fed = now_us, has_media
        self._is_quiet, self._back_us = False, None

    def unheard_from_us(self, last_frame_us: int | None) -> int | None:
        """Return the time since which what we sent may not have arrived; ``None``: not known.

        Args:
            last_frame_us: Time of the newest picture: pictures arrive more often than we poll.
        """
        heard_us = self._heard_us
        if heard_us is None:
            return None
        if last_frame_us is not None and abs(heard_us - last_frame_us) < 2 * PICTURE_LATE_US:
            heard_us = last_frame_us
        return heard_us - _MARGIN_US


class Stopwatch:
    """Adds up the awake time during which a condition holds, updated several times a second.

    Attributes:
        elapsed_s: For how long it has held.
    """

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self._updated_s: float | None = None

    def update(self, now_s: float, *, counts: bool, keeps: bool = False) -> None:
        """Add the time since the last update if it ``counts``; else restart from zero unless it ``keeps``."""
        before_s, self._updated_s = self._updated_s, now_s
        if not counts:
            self.elapsed_s = self.elapsed_s if keeps else 0.0
        elif before_s is not None:
            self.elapsed_s += min(max(0.0, now_s - before_s), _LONGEST_STEP_S)


class AvatarMonitor:
    """Measures how long the avatar has been gone, on a clock that does not count sleep.

    While the connection itself is broken nothing is known of the avatar, and the time stands still.
    """

    def __init__(self) -> None:
        self._gone = Stopwatch()

    @property
    def gone_s(self) -> float:
        """Seconds since it left, or since the user chose to keep waiting; 0 while it is present."""
        return self._gone.elapsed_s

    @property
    def is_gone(self) -> bool:
        """Whether to ask the user."""
        return self.gone_s >= AVATAR_GONE_S

    @property
    def is_given_up(self) -> bool:
        """Whether to end the session."""
        return self.gone_s >= GIVE_UP_S

    def keep_waiting(self) -> None:
        """Restart the time from zero."""
        self._gone.elapsed_s = 0.0

    def update(self, now_s: float, *, connected: bool, present: bool) -> None:
        """Count the time since the last call; to be called several times a second.

        Args:
            now_s: A monotonic clock that does not count sleep.
            connected: The session is live, and its connection whole.
            present: The avatar has a track in the room, and its media arrive.
        """
        self._gone.update(now_s, counts=connected and not present, keeps=not connected)


class VideoLagMonitor:
    """Compares how long WebRTC buffers picture and sound, once a second; says when to resubscribe.

    After a break WebRTC delays the sound by what arrived late, and the picture with it; the sound soon
    catches up, the picture takes minutes. A resubscribed picture starts without delay.
    """

    def __init__(self) -> None:
        self._known: Buffers | None = None
        self._broke_us: int | None = None
        self._resubscribed_us: int | None = None
        self._back_us: int | None = None
        self._lagging = 0

    def note_back(self, now_us: int) -> None:
        """Note that the connection is back."""
        self._back_us = now_us

    def is_frozen(self, now_us: int, last_frame_us: int | None) -> bool:
        """Return True, once per break, when no picture came back with the connection: resubscribe."""
        if self._back_us is None:
            return False
        if last_frame_us is not None and last_frame_us > self._back_us:
            self._back_us = None
        elif now_us - self._back_us >= FROZEN_US:
            self._back_us, self._resubscribed_us = None, now_us
            return True
        return False

    def note_break(self, now_us: int) -> None:
        """Note that the connection broke, or is still broken."""
        self._broke_us, self._known, self._lagging = now_us, None, 0

    def take(self, now_us: int, buffers: Buffers) -> bool:
        """Take the newest totals; return True when the picture should be resubscribed now."""
        before, self._known = self._known, buffers
        behind_ms = None if before is None else buffers.picture_behind_ms(before)
        if behind_ms is None or behind_ms < LAG_MS or not self._is_recent(now_us):
            self._lagging = 0
            return False
        self._lagging += 1
        if self._lagging < LAGGING_READINGS:
            return False
        self._lagging, self._resubscribed_us, self._known = 0, now_us, None
        return True

    def _is_recent(self, now_us: int) -> bool:
        if self._broke_us is None or now_us - self._broke_us > AFTER_BREAK_US:
            return False
        return self._resubscribed_us is None or now_us - self._resubscribed_us > SETTLE_US
