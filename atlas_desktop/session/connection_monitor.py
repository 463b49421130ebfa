"""Whether anything still arrives from the room: seen by its packets, long before LiveKit gives up. Pure."""

from atlas_desktop.session.ports import Traffic

QUIET_US = 1_500_000
"""Picture and sound send all the time: so long without any packet, and the network is gone."""
IDLE_QUIET_US = 6_000_000
"""Where nothing was sent to us, only connectivity checks come, every 2.5 s."""
PICTURE_LATE_US = 500_000
"""So long without a picture, and the packets are looked at more often."""
UNFED_US = 3_000_000
"""After a break media show that it is over; where none come, so long a time of other packets."""
_MARGIN_US = 100_000
"""What was on its way when the network went is lost, too."""
_LONGEST_STEP_US = 500_000
"""A longer gap between two looks is a stall of ours, of which nothing is known."""


class ConnectionMonitor:
    """Joins what LiveKit says of the connection with what its packets show. Times: CLOCK_MONOTONIC.

    LiveKit notices a network that is gone after 12 to 15 s; it counts here from the first 1.5 s without
    a packet of any kind. A picture that stops while other packets come is no matter of the connection.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Another room: nothing is known of it."""
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
        """Whether LiveKit says so, or nothing arrives any more."""
        return self._reported or self._is_quiet

    @property
    def is_quiet(self) -> bool:
        """Whether nothing arrives any more; the first packets after that may only look for another path."""
        return self._is_quiet

    def report(self, connected: bool) -> None:
        """LiveKit says that it reconnects, or is connected again."""
        self._reported = not connected
        if connected:
            self._silent_us, self._is_quiet = 0, False

    def take(self, now_us: int, traffic: Traffic) -> None:
        """Takes what has arrived until now."""
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
        """From when on nothing that we sent can be trusted to have arrived; ``None``: not known.

        Args:
            last_frame_us: When the newest picture came. Pictures come more often than we look.
        """
        heard_us = self._heard_us
        if heard_us is None:
            return None
        if last_frame_us is not None and abs(heard_us - last_frame_us) < 2 * PICTURE_LATE_US:
            heard_us = last_frame_us
        return heard_us - _MARGIN_US
