"""How far what was handed to the room is ahead of what was sent: arithmetic on one clock."""

from atlas_desktop.media.blocks import SAMPLE_RATE_HZ


class Pacer:
    """Keeps the account of a queue that is emptied in real time. Pure: the clock is an argument.

    All times in microseconds of one monotonic clock.
    """

    def __init__(self) -> None:
        self._played_out_us = 0

    def lead_us(self, now_us: int) -> int:
        """How much sound is still to be sent; 0 when the queue has run dry."""
        return max(0, self._played_out_us - now_us)

    def wrote(self, samples: int, now_us: int) -> None:
        """Accounts for ``samples`` handed over now."""
        self._played_out_us = max(self._played_out_us, now_us) + samples * 1_000_000 // SAMPLE_RATE_HZ

    def cleared(self, now_us: int) -> None:
        """The queue was emptied."""
        self._played_out_us = now_us
