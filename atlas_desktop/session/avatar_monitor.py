"""Whether the avatar is still there, and for how long it has not been. Pure."""

AVATAR_GONE_S = 20.0
"""From here on the user is asked whether to wait, to end or to start anew."""
GIVE_UP_S = 60.0
"""Without an answer the session is ended then: it would cost for nothing."""
_LONGEST_STEP_S = 2.0
"""A longer gap between two looks is a stall of ours, in which nobody looked."""


class Stopwatch:
    """Adds up the awake time for which something holds, seen by looks at it several times a second.

    Attributes:
        elapsed_s: For how long it has held.
    """

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self._looked_s: float | None = None

    def reset(self) -> None:
        """Starts from zero."""
        self.elapsed_s, self._looked_s = 0.0, None

    def run(self, now_s: float, *, counts: bool, keeps: bool = False) -> None:
        """Adds the time since the last look if it ``counts``; else starts from zero unless it ``keeps``."""
        before_s, self._looked_s = self._looked_s, now_s
        if not counts:
            self.elapsed_s = self.elapsed_s if keeps else 0.0
        elif before_s is not None:
            self.elapsed_s += min(max(0.0, now_s - before_s), _LONGEST_STEP_S)


class AvatarMonitor:
    """Counts the time without the avatar, on a clock that does not count sleep.

    While the connection itself is broken nothing is known of the avatar: the time stands still.
    """

    def __init__(self) -> None:
        self._gone = Stopwatch()

    @property
    def gone_s(self) -> float:
        """Since it went, or since the user chose to wait on; 0 while it is there."""
        return self._gone.elapsed_s

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
        self._gone.reset()

    def wait_on(self) -> None:
        """The user waits on: the time starts from zero."""
        self._gone.elapsed_s = 0.0

    def look(self, now_s: float, *, connected: bool, present: bool) -> None:
        """To be called several times a second.

        Args:
            now_s: A monotonic clock that does not count sleep.
            connected: The session is live, and its connection whole.
            present: The avatar has a picture in the room, and something of it arrives.
        """
        self._gone.run(now_s, counts=connected and not present, keeps=not connected)
