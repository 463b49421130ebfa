"""What the sound thread has seen."""

from dataclasses import dataclass

from atlas_desktop.media.playout_line import PlayoutCounters


@dataclass(slots=True)
class SoundCounters(PlayoutCounters):
    """Since the thread was made. One thread writes, any reads.

    Attributes:
        writes: Blocks given to the device.
        discarded: Blocks that came while there was no speaker.
        opened: How often a device was opened.
        dry: How often the sound server ran dry although sound waited for it.
        server_ms: How much more than usual the sound server keeps, so that it no longer does; or less.
    """

    writes: int = 0
    discarded: int = 0
    opened: int = 0
    dry: int = 0
    server_ms: float = 0.0

    @property
    def interruptions(self) -> int:
        """How often sound that was there came too late for the card."""
        return self.underruns + self.dry

    @property
    def heard_gaps(self) -> int:
        """How often sound was missed while the avatar was speaking, or while there was some."""
        return self.gaps + self.dry

    @property
    def held_ms(self) -> float:
        """What is to be heard before what is written now, but for the card's usual part."""
        return self.level_ms + self.server_ms
