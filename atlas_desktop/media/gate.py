"""When the microphone goes out, and how much of it at once."""

from collections import deque

import numpy as np

from atlas_desktop.media.blocks import BLOCK_MS, Block, BlockReader, silence
from atlas_desktop.media.level import SPEECH_DBFS, rms_dbfs

HOLD_MS = 200
"""After a clip the microphone stays closed this long."""
CUSHION_MS = 10
"""Silence put before the first blocks, so that the next ones may be a little late."""
CEILING_MS = 80
"""More than this never waits, beside a reader's pre-roll: after a stall, or with a device that runs fast,
it is cut to ``CUT_TO_MS``."""
CUT_TO_MS = 40
SPARE_MS = 5
"""What is left to be sent before each hand-over, at least: more is delay, and goes in the next pause."""
_WINDOW_READS = 64
_MOST_BLOCKS = 50


class MicrophoneGate:
    """Reads the microphone for the feeder. Thread: the media loop's; ``set_reader``, ``is_open`` any.

    Attributes:
        dropped_blocks: What was heard, but thrown away to keep the delay short.
        shortened_blocks: Those of a pause that were left out because more was waiting than is needed.
    """

    POLL_MS = 10

    def __init__(self) -> None:
        self.dropped_blocks = 0
        self.shortened_blocks = 0
        self._leads_us: deque[int] = deque(maxlen=_WINDOW_READS)
        self._reader: BlockReader | None = None
        self._preroll_us = 0
        self._closed_until_us = 0

    @property
    def has_reader(self) -> bool:
        """Whether there is a microphone."""
        return self._reader is not None

    def set_reader(self, reader: BlockReader | None) -> None:
        """Replaces the microphone and closes the former reader."""
        former, self._reader = self._reader, reader
        self._preroll_us = getattr(reader, "preroll_ms", 0) * 1000
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
        if lead_us + len(blocks) * BLOCK_MS * 1000 > CEILING_MS * 1000 + self._preroll_us:
            room = max(0, (CUT_TO_MS * 1000 + self._preroll_us - lead_us) // (BLOCK_MS * 1000))
            self.dropped_blocks += len(blocks) - room
            blocks = blocks[len(blocks) - room :]
        if lead_us == 0 and blocks:
            self._leads_us.clear()
            blocks.insert(0, silence(CUSHION_MS * 48))
        else:
            self._leads_us.append(lead_us)
            blocks = self._shortened(blocks)
        return np.concatenate(blocks) if blocks else silence(0)

    def _shortened(self, blocks: list[Block]) -> list[Block]:
        """``blocks`` without one that is quiet, when all the last hand-overs came too early for it."""
        is_known = len(self._leads_us) == _WINDOW_READS
        if not is_known or min(self._leads_us) < (SPARE_MS + BLOCK_MS) * 1000:
            return blocks
        quiet = next((at for at, block in enumerate(blocks) if rms_dbfs(block) < SPEECH_DBFS), None)
        if quiet is None:
            return blocks
        self.shortened_blocks += 1
        self._leads_us = deque((lead_us - BLOCK_MS * 1000 for lead_us in self._leads_us), _WINDOW_READS)
        return blocks[:quiet] + blocks[quiet + 1 :]

    def _read_all(self) -> list[Block]:
        blocks: list[Block] = []
        reader = self._reader
        while reader is not None and len(blocks) < _MOST_BLOCKS and (block := reader.read()) is not None:
            blocks.append(block)
        return blocks
