"""Whether the avatar is still there, and for how long it has not been. Pure."""

AVATAR_GONE_S = 20.0
"""From here on the user is asked whether to wait, to end or to start anew."""
GIVE_UP_S = 60.0
"""Without an answer the session is ended then: it would cost for nothing."""
_LONGEST_STEP_S = 2.0
"""A longer gap between two looks is a stall of ours, in which nobody looked."""


class AvatarMonitor:
    """Counts the time without the avatar, on a clock that does not count sleep.

    While the connection itself is broken nothing is known of the avatar: the time stands still.

    Attributes:
        gone_s: Since it went, or since the user chose to wait on; 0 while it is there.
    """

    def __init__(self) -> None:
        self.gone_s = 0.0
        self._looked_s: float | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the user is to be asked."""
        return self.gone_s >= AVATAR_GONE_S

    @property
    def is_given_up(self) -> bool:
        """Whether the session is to be ended."""
        return self.gone_s >= GIVE_UP_S

    def reset(self) -> None:
        """Another session."""
        self.gone_s, self._looked_s = 0.0, None

    def wait_on(self) -> None:
        """The user waits on: the time starts from zero."""
        self.gone_s = 0.0

    def look(self, now_s: float, *, connected: bool, present: bool) -> None:
        """To be called several times a second.

        Args:
            now_s: A monotonic clock that does not count sleep.
            connected: The session is live, and its connection whole.
            present: The avatar has a picture in the room, and something of it arrives.
        """
        before_s, self._looked_s = self._looked_s, now_s
        if connected and present:
            self.gone_s = 0.0
        elif connected and before_s is not None:
            self.gone_s += min(max(0.0, now_s - before_s), _LONGEST_STEP_S)
