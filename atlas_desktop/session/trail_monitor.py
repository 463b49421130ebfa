"""Whether after a break in the connection the picture stands, or trails behind the sound. Pure."""

from atlas_desktop.session.ports import Buffers

TRAIL_MS = 250.0
"""A picture so much later than its sound is seen by everybody."""
LOOKS = 3
"""So often in a row, and it is no passing matter."""
AFTER_BREAK_US = 180_000_000
"""What has not begun to trail by then has nothing to do with the break."""
AGAIN_US = 20_000_000
"""A picture that was fetched anew has so long to settle."""


STANDS_US = 700_000
"""The connection is back for so long, and no picture with it: WebRTC asks for a key frame after 3 s only."""


class TrailMonitor:
    """Compares how long WebRTC buffers picture and sound; looked at once a second.

    After a break WebRTC delays the sound by what was late then, and the picture with it; the sound soon
    catches up, the picture takes minutes. One that is subscribed to anew begins without delay.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Another room: nothing is known of it."""
        self._known: Buffers | None = None
        self._broke_us: int | None = None
        self._fetched_us: int | None = None
        self._back_us: int | None = None
        self._looks = 0

    def note_back(self, now_us: int) -> None:
        """The connection is whole again."""
        self._back_us = now_us

    def stands(self, now_us: int, last_frame_us: int | None) -> bool:
        """True, once after each break, when no picture came back with the connection: fetch it anew."""
        if self._back_us is None:
            return False
        if last_frame_us is not None and last_frame_us > self._back_us:
            self._back_us = None
        elif now_us - self._back_us >= STANDS_US:
            self._back_us, self._fetched_us = None, now_us
            return True
        return False

    def note_break(self, now_us: int) -> None:
        """The connection broke, or is broken still."""
        self._broke_us, self._known, self._looks = now_us, None, 0

    def take(self, now_us: int, buffers: Buffers) -> bool:
        """Takes the newest sums; True when the picture should be fetched anew, now."""
        before, self._known = self._known, buffers
        behind_ms = None if before is None else buffers.picture_behind_ms(before)
        if behind_ms is None or behind_ms < TRAIL_MS or not self._is_recent(now_us):
            self._looks = 0
            return False
        self._looks += 1
        if self._looks < LOOKS:
            return False
        self._looks, self._fetched_us, self._known = 0, now_us, None
        return True

    def _is_recent(self, now_us: int) -> bool:
        if self._broke_us is None or now_us - self._broke_us > AFTER_BREAK_US:
            return False
        return self._fetched_us is None or now_us - self._fetched_us > AGAIN_US
