"""Finds out how loud a file is while it already plays, a little at a time."""

import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from atlas_desktop.errors import MediaError
from atlas_desktop.media.blocks import SAMPLE_RATE_HZ
from atlas_desktop.media.graphs import Samples
from atlas_desktop.media.loudness import LoudnessMeter
from atlas_desktop.media.sound_file import SoundFile

# How long the first block waits, or until so much sound was measured. Where nothing holds it up that is some
# 15 s, or a short file whole: the gain hardly moves then. With less than the last it might begin 20 dB off.
_FIRST_LOOK_S = ((0.04, math.inf), (0.04, 3.0), (0.4, 0.5))


class LoudnessScan:
    """Measures a file of any length in slices, ahead of what plays. One thread.

    Attributes:
        lufs: What was found so far; ``None`` before anything was heard.
        done: Whether that is the whole file's, or nothing more is wanted.
        measured_s: How much of the file was looked at.
        length_s: How long all of it sounds, once that was looked at.
        silent: Whether all of it was looked at, and nothing can be heard.
    """

    def __init__(
        self,
        path: Path,
        known_lufs: float | None = None,
        *,
        wanted: bool = True,
        stop: threading.Event | None = None,
    ) -> None:
        """Prepares; with ``known_lufs``, or when it is not wanted, there is nothing to do.

        Args:
            path: The file.
            known_lufs: What was found out before.
            wanted: Whether to measure at all.
            stop: Set by any thread, it ends the measuring.
        """
        self.lufs = known_lufs if wanted else None
        self.done = known_lufs is not None or not wanted
        self.measured_s = 0.0
        self.length_s: float | None = None
        self.silent = False
        self._stop = stop or threading.Event()
        self._path = path
        self._file: SoundFile | None = None
        self._meter: LoudnessMeter | None = None
        self._pieces: Iterator[Samples] = iter(())

    def close(self) -> None:
        """Lets go of the file; nothing more is measured."""
        self.done = True
        if self._file is not None:
            self._file.close()

    def look_ahead(self) -> None:
        """Works until the first block may go."""
        for limit_s, sound_s in _FIRST_LOOK_S:
            self.advance(limit_s, sound_s)

    def advance(self, limit_s: float, sound_s: float = math.inf) -> None:
        """Works for about ``limit_s``, to the end, or until ``sound_s`` of the file were measured."""
        until_s = time.monotonic() + limit_s
        try:
            while not self.done and self.measured_s < sound_s and time.monotonic() < until_s:
                self._step()
        except MediaError:
            self.close()  # who plays the file says so

    def _step(self) -> None:
        if self._file is None or self._meter is None:
            self._file, self._meter = SoundFile(self._path, self._stop), LoudnessMeter()
            self._pieces = self._file.samples()
        piece = next(self._pieces, None)
        if piece is None:
            self._conclude(self._meter)
            self.close()
        else:
            self._meter.add(piece)
            self.measured_s += len(piece) / SAMPLE_RATE_HZ
            self.lufs = self._meter.lufs

    def _conclude(self, meter: LoudnessMeter) -> None:
        if not self._stop.is_set():
            self.lufs, self.length_s, self.silent = meter.finish(), self.measured_s, meter.silent
