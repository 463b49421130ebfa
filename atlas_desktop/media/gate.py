"""When the microphone goes out, and how much of it at once."""

import numpy as np

from atlas_desktop.media.blocks import BLOCK_MS, Block, BlockReader, silence

HOLD_MS = 200
"""After a clip the microphone stays closed this long."""
CUSHION_MS = 20
"""Silence put before the first blocks, so that the next ones may be a little late."""
CEILING_MS = 80
"""More than this never waits: after a stall, or with a device that runs fast, it is cut to two cushions."""
_MOST_BLOCKS = 50


class MicrophoneGate:
    """Reads the microphone for the feeder. Thread: the media loop's; ``set_reader``, ``is_open`` any.

    Attributes:
        dropped_blocks: What was heard, but thrown away to keep the delay short.
    """

    POLL_MS = 20

    def __init__(self) -> None:
        self.dropped_blocks = 0
        self._reader: BlockReader | None = None
        self._closed_until_us = 0

    @property
    def has_reader(self) -> bool:
        """Whether there is a microphone."""
        return self._reader is not None

    def set_reader(self, reader: BlockReader | None) -> None:
        """Replaces the microphone and closes the former reader."""
        former, self._reader = self._reader, reader
        if former is not None and former is not reader:
            former.close()

    def is_open(self, clip_plays: bool, now_us: int) -> bool:
        """Whether what is heard goes out."""
        return self._reader is not None and not clip_plays and now_us >= self._closed_until_us

    def clip_plays(self, now_us: int) -> None:
        """Forgets what is heard meanwhile, and stays closed for ``HOLD_MS`` from now."""
        self._closed_until_us = now_us + HOLD_MS * 1000
        self._read_all()

    def read(self, lead_us: int, now_us: int) -> Block:
        """What was heard since the last call, int16 (n × 480, 1), a cushion before it when needed.

        Args:
            lead_us: How much is still waiting to be sent.
            now_us: The same clock as ``clip_plays``.
        """
        blocks = self._read_all()
        if now_us < self._closed_until_us or not blocks:
            return silence(0)
        if lead_us + len(blocks) * BLOCK_MS * 1000 > CEILING_MS * 1000:
            room = max(0, (2 * CUSHION_MS * 1000 - lead_us) // (BLOCK_MS * 1000))
            self.dropped_blocks += len(blocks) - room
            blocks = blocks[len(blocks) - room :]
        if lead_us == 0 and blocks:
            blocks.insert(0, silence(CUSHION_MS * 48))
        return np.concatenate(blocks) if blocks else silence(0)

    def _read_all(self) -> list[Block]:
        blocks: list[Block] = []
        reader = self._reader
        while reader is not None and len(blocks) < _MOST_BLOCKS and (block := reader.read()) is not None:
            blocks.append(block)
        return blocks
