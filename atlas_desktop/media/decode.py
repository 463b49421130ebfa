"""Clips from files: read ahead in a thread of their own, in constant memory."""

import threading
from pathlib import Path

from atlas_desktop.aio import guarded
from atlas_desktop.errors import AppError
from atlas_desktop.media.blocks import BLOCK_SAMPLES, SAMPLE_RATE_HZ, Block
from atlas_desktop.media.ring import PcmRing
from atlas_desktop.media.sound_file import SoundFile

_AHEAD_MS = 2000
_REFILL_SAMPLES = SAMPLE_RATE_HZ
_PIECE_SAMPLES = SAMPLE_RATE_HZ // 4


class ClipReader:
    """Reads any file that FFmpeg decodes as mono 48 kHz blocks (a ``BlockReader``).

    Opening and decoding start at once in a thread of their own, which keeps 1 to 2 s ahead; the
    memory is the same for a 2-hour file. A cut-off file gives what can be decoded, then ends.

    Attributes:
        path: Where the file lies.
        error: Why nothing could be read, else ``None``.
        duration_s: What the file says about its length, ``None`` before it is open or when unknown.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.error: AppError | None = None
        self.duration_s: float | None = None
        self._ring = PcmRing(_AHEAD_MS, channels=1)
        self._room = threading.Condition()
        self._read_samples = 0
        self._ended = False
        self._closed = False
        body = guarded("media.decode", self._on_error)(self._run)
        self._thread = threading.Thread(target=body, name="media-decode", daemon=True)
        self._thread.start()

    @property
    def position_s(self) -> float:
        """How much was read."""
        return self._read_samples / SAMPLE_RATE_HZ

    @property
    def finished(self) -> bool:
        return self._closed or (self._ended and self._ring.level_samples == 0)

    def read(self) -> Block | None:
        ended = self._ended
        level = self._ring.level_samples
        if self._closed or level == 0 or (level < BLOCK_SAMPLES and not ended):
            return None
        block = self._ring.read(BLOCK_SAMPLES)
        self._read_samples += len(block)
        if not ended and level < _REFILL_SAMPLES:
            with self._room:
                self._room.notify()
        return block

    def close(self) -> None:
        self._closed = True
        with self._room:
            self._room.notify()

    def join(self, timeout_s: float) -> bool:
        """Waits for the thread's end after ``close`` or the file's end; False when the time is out."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _on_error(self, error: AppError) -> None:
        self.error = error
        self._ended = True

    def _run(self) -> None:
        with SoundFile(self.path) as file:
            self.duration_s = file.duration_s
            given = 0
            for samples in file.samples():
                for start in range(0, len(samples), _PIECE_SAMPLES):
                    piece = samples[start : start + _PIECE_SAMPLES]
                    if not self._wait_for_room(len(piece)):
                        return
                    self._ring.write(piece.reshape(-1, 1))
                given += len(samples)
            if given == 0:
                raise file.nothing_in_it()
        self._ended = True

    def _wait_for_room(self, samples: int) -> bool:
        """Waits, when the buffer is full, until half of it was read; False when closed."""
        if self._ring.space_samples < samples:
            with self._room:
                self._room.wait_for(
                    lambda: self._closed or self._ring.space_samples >= max(samples, _REFILL_SAMPLES)
                )
        return not self._closed
